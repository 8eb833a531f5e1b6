import type { Frame, Outcome } from '@sluice/wire';
import { readPayload, type ApiError } from '@sluice/wire';
import type { FastifyReply } from 'fastify';
import { answerHeaders } from './answer-headers.js';
import { cutWhenUnread } from './cut-when-unread.js';
import type { Dialect } from './dialect.js';
import { sendError } from './error.filter.js';
import { comeBack, REPLAYED } from './idempotency/come-back.js';
import { GONE, readLargeResult } from './read-large-result.js';
import { LONGEST_TIMER_MS, OVERDUE, overdueInMs, SHUTTING_DOWN, type Following, type ReplyDeps } from './reply-deps.js';

/**
 * Holds the connection until the job is over, the caller's wait is, or the caller has gone. Exactly one of them answers.
 * A job whose wait is over goes on; one whose caller has gone is cancelled.
 */
export function replyWithJson(
  following: Following,
  reply: FastifyReply,
  deps: ReplyDeps & { /** How long the call is held. */ waitMs: number },
  dialect?: Dialect,
): void {
  const { job, follower, cancel } = following;
  const startedAt = performance.now();
  let isOver = false;

  const end = (answer: () => void): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    reply.raw.off('close', onClose);
    subscription.unsubscribe();
    deps.openCalls.delete(call);
    cutWhenUnread(reply.raw, deps.times.unreadMs);
    answer();
  };
  if (following.isReplayed) void reply.headers(REPLAYED);
  const fail = (error: ApiError, headers = answerHeaders(job, undefined)): void =>
    end(() => {
      reply.headers(headers);
      sendError(reply, error, job.jobId, dialect?.error);
    });
  /** The job goes on, and a repeat may have its answer. */
  const tellToComeBack = (error: ApiError): void =>
    end(() => {
      void comeBack(error, job, deps).then((told) => {
        reply.headers(answerHeaders(job, undefined));
        sendError(reply, told, job.jobId, dialect?.error);
      });
    });
  const succeed = (headers: Record<string, string>, answer: Buffer): void => {
    const body = dialect === undefined ? answer : translated(answer, dialect);
    if (body === undefined) fail(GONE, headers);
    else end(() => sendJson(reply, headers, body));
  };

  const call = { isStream: false, shutDown: () => tellToComeBack(SHUTTING_DOWN) };
  const onClose = (): void => end(() => void cancel().catch(() => undefined)); // Redis away: the deadline ends the job
  const onTerminal = (frame: Frame): void => {
    const { line: outcome, rest } = readPayload<Outcome>(frame.payload);
    const headers = answerHeaders(job, outcome.served, { outcome, tookMs: performance.now() - startedAt });
    if (outcome.state !== 'completed') {
      fail(outcome.error ?? GONE, headers);
    } else if (rest.length > 0) succeed(headers, rest);
    else {
      void readLargeResult(job, deps, () => isOver).then((result) =>
        Buffer.isBuffer(result) ? succeed(headers, result) : fail(result, headers),
      );
    }
  };

  const overdueMs = overdueInMs(job);
  const timer =
    overdueMs < deps.waitMs
      ? setTimeout(() => fail(OVERDUE), overdueMs)
      : setTimeout(() => tellToComeBack(waitTimeout(deps.waitMs)), Math.min(deps.waitMs, LONGEST_TIMER_MS));
  reply.raw.on('close', onClose);
  deps.openCalls.add(call);
  const subscription = follower.frames.subscribe((frame) => {
    if (frame.kind === 'terminal') queueMicrotask(() => onTerminal(frame)); // after `subscription` is there
  });
}

/** Undefined: it is not what a worker of this version writes. Nobody is above this to catch what it throws. */
function translated(answer: Buffer, dialect: Dialect): Buffer | undefined {
  try {
    return dialect.answer(answer);
  } catch {
    return undefined;
  }
}

function sendJson(reply: FastifyReply, headers: Record<string, string>, body: Buffer): void {
  void reply.code(200).headers(headers).header('content-type', 'application/json; charset=utf-8').send(body);
}

const waitTimeout = (waitMs: number): ApiError => ({
  code: 'wait_timeout',
  message: `The call was not answered within ${waitMs / 1_000} s (Prefer: wait). It goes on.`,
  retryAfterMs: 1_000,
});
