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
import type { FastifyReply } from 'fastify';
import { answerHeaders } from './answer-headers.js';
import { sendError } from './error.filter.js';
import { OVERDUE, OVERDUE_MS, SHUTTING_DOWN, type Following, type ReplyDeps } from './reply-deps.js';

/** A reader that leaves so much unread for so long is cut: its memory is everybody's. */
const LAGGING_BYTES = 256 * 1024;
const LAGGING_MS = 5_000;

/**
 * Relays a job's events. The head goes out with the first frame, so that a failure before it is a plain HTTP error, or
 * after `earlyHeadMs`; a failure after it is an event in the stream. Ends with the terminal frame and nothing else.
 */
export function replyWithSse(following: Following, reply: FastifyReply, { openCalls, times }: ReplyDeps): void {
  const { job, follower, cancel } = following;
  const { raw } = reply;
  const requestId = reply.getHeader('x-request-id');
  let isOver = false;
  let laggingSince: number | undefined;

  const timer = setInterval(beat, times.heartbeatMs).unref();
  const early = setTimeout(() => writeHead(undefined), times.earlyHeadMs).unref();
  const overdueInMs = job.deadlineMs - job.acceptedAtMs + OVERDUE_MS;
  const overdue = setTimeout(() => fail(OVERDUE), overdueInMs).unref();
  const call = { isStream: true, shutDown: () => fail(SHUTTING_DOWN) };
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
      case 'terminal': {
        const { line: outcome, rest } = readPayload<Outcome>(frame.payload);
        if (outcome.state !== 'completed') return fail(outcome.error ?? UNKNOWN, outcome.served);
        writeHead(outcome.served);
        return end(() => raw.end(rest));
      }
    }
  }

  function writeHead(served: Served | undefined): void {
    if (raw.headersSent) return;
    clearTimeout(early);
    reply.hijack(); // from here on Fastify neither serialises nor sends
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
      ...answerHeaders(job, served),
    });
    if (served === undefined) raw.write(SSE_HEARTBEAT);
  }

  function write(bytes: Buffer): void {
    raw.write(bytes);
    timer.refresh();
    checkLag();
  }

  function beat(): void {
    if (raw.headersSent) raw.write(SSE_HEARTBEAT);
    checkLag();
  }

  function checkLag(): void {
    if (raw.writableLength < LAGGING_BYTES) laggingSince = undefined;
    else if (laggingSince === undefined) laggingSince = performance.now();
    else if (performance.now() - laggingSince > LAGGING_MS) raw.destroy(); // onClose does the rest
  }

  function fail(error: ApiError, served?: Served): void {
    end(() => {
      if (raw.headersSent) raw.end(sseData(errorBody(error, job.jobId)));
      else {
        reply.headers(answerHeaders(job, served));
        sendError(reply, error, job.jobId);
      }
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
    how();
  }
}

const UNKNOWN: ApiError = { code: 'internal_error', message: 'The call ended without a reason.' };
