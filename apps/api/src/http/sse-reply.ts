import {
  errorBody,
  readPayload,
  sseData,
  SSE_HEARTBEAT,
  type ApiError,
  type Frame,
  type Outcome,
  type Served,
} from '@sluice/wire';
import type { InferenceJob } from '@sluice/pipeline';
import type { FastifyReply } from 'fastify';
import { answerHeaders } from './answer-headers.js';
import { cutWhenUnread } from './cut-when-unread.js';
import type { Dialect } from './dialect.js';
import { sendError } from './error.filter.js';
import { EVENT_STREAM_HEADERS, Lag } from './event-stream.js';
import { comeBack, REPLAYED } from './idempotency/come-back.js';
import { readLargeResult } from './read-large-result.js';
import { OVERDUE, overdueInMs, SHUTTING_DOWN, type Following, type ReplyDeps } from './reply-deps.js';

/**
 * Relays a job's events. The head goes out with the first frame, so that a failure before it is a plain HTTP error, or
 * after `earlyHeadMs`; a failure after it is an event in the stream. Ends with the terminal frame and nothing else.
 */
export function replyWithSse(following: Following, reply: FastifyReply, deps: ReplyDeps, dialect?: Dialect): void {
  const { job, follower, cancel } = following;
  const { openCalls, times } = deps;
  const { raw } = reply;
  const fold = dialect?.events();
  let isOver = false;
  const lag = new Lag(times.laggingMs);

  const timer = setInterval(beat, times.heartbeatMs).unref();
  const early = setTimeout(() => writeHead(undefined), times.earlyHeadMs).unref();
  const overdue = setTimeout(() => fail(OVERDUE), overdueInMs(job)).unref();
  const call = { isStream: true, shutDown: () => shutDown() };
  raw.on('close', onClose);
  openCalls.add(call);
  const subscription = follower.frames.subscribe(onFrame);

  function onFrame(frame: Frame): void {
    if (isOver) return;
    switch (frame.kind) {
      case 'head': {
        const { line: served, rest } = readPayload<Served>(frame.payload);
        writeHead(served);
        return write(rest);
      }
      case 'events':
        writeHead(undefined);
        return write(frame.payload);
      case 'life':
        return; // it is no part of the answer
      case 'terminal': {
        const { line: outcome, rest } = readPayload<Outcome>(frame.payload);
        if (outcome.state !== 'completed') return fail(outcome.error ?? UNKNOWN, outcome.served);
        const tail = outcome.tail === undefined ? rest : Buffer.from(outcome.tail); // where the result is the whole answer
        if (tail.length > 0) return complete(tail, outcome.served);
        void readLargeResult(job, deps, () => isOver).then((result) =>
          Buffer.isBuffer(result) ? complete(result, outcome.served) : fail(result, outcome.served),
        );
      }
    }
  }

  /** @param rest what no frame has brought, up to [DONE] */
  function complete(rest: Buffer, served: Served | undefined): void {
    if (isOver) return;
    writeHead(served);
    end(() => raw.end(fold === undefined ? rest : fold.end(rest.toString())));
  }

  function writeHead(served: Served | undefined): void {
    if (raw.headersSent) return;
    clearTimeout(early);
    reply.hijack(); // from here on Fastify neither serialises nor sends
    raw.writeHead(200, { ...sseHead(reply, job, served), ...(following.isReplayed ? REPLAYED : {}) });
    if (served === undefined) raw.write((fold?.open() ?? '') || SSE_HEARTBEAT);
  }

  function write(bytes: Buffer): void {
    raw.write(fold === undefined ? bytes : fold.push(bytes.toString()));
    timer.refresh();
    checkLag();
  }

  function beat(): void {
    if (raw.headersSent) raw.write(SSE_HEARTBEAT);
    checkLag();
  }

  function checkLag(): void {
    if (lag.isTooLong(raw.writableLength)) end(() => raw.destroy()); // the job goes on
  }

  function fail(error: ApiError, served?: Served): void {
    end(() => {
      if (raw.headersSent) raw.end(fold === undefined ? sseData(errorBody(error, job.jobId)) : fold.fail(error));
      else {
        reply.headers({ ...answerHeaders(job, served), ...(following.isReplayed ? REPLAYED : {}) });
        sendError(reply, error, job.jobId, dialect?.error);
      }
    });
  }

  /** Cut after its head a stream is gone on with from its events; before it a repeat may have its answer. */
  function shutDown(): void {
    if (raw.headersSent) return fail(SHUTTING_DOWN);
    end(() => {
      void comeBack(SHUTTING_DOWN, job, deps).then((told) => {
        reply.headers(answerHeaders(job, undefined));
        sendError(reply, told, job.jobId, dialect?.error);
      });
    });
  }

  function onClose(): void {
    end(() => void cancel().catch(() => undefined)); // Redis away: the deadline ends the job
  }

  function end(how: () => void): void {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    clearTimeout(early);
    clearTimeout(overdue);
    raw.off('close', onClose);
    openCalls.delete(call);
    queueMicrotask(() => subscription.unsubscribe()); // the first frames come while it is being made
    cutWhenUnread(raw, times.unreadMs);
    how();
  }
}

export function sseHead(
  reply: FastifyReply,
  job: InferenceJob,
  served: Served | undefined,
): Record<string, string | number | string[]> {
  const requestId = reply.getHeader('x-request-id');
  return {
    ...EVENT_STREAM_HEADERS,
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...answerHeaders(job, served),
  };
}

const UNKNOWN: ApiError = { code: 'internal_error', message: 'The call ended without a reason.' };
