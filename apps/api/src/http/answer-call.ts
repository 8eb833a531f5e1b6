import { resolveModel } from '@sluice/core';
import { submitInference, type InferenceJob, type SubmitDeps } from '@sluice/pipeline';
import type { AskedBody, ChatCompletionRequest, Endpoint } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiException } from './api-error.js';
import { betaOf } from './beta-of.js';
import type { Dialect } from './dialect.js';
import { repeatable } from './idempotency/same-call.js';
import { replyWithJson } from './json-reply.js';
import { SHUTTING_DOWN, type Following, type ReplyDeps } from './reply-deps.js';
import { readRequestOptions } from './request-options.js';
import { replyWithSse } from './sse-reply.js';

/** A call whose caller waits for the answer on the same connection, whatever endpoint it came to. */
export interface HeldCall {
  /** What the caller wrote, for what is meant for Sluice in it. */
  asked: AskedBody;
  /** What a worker runs, in chat. */
  body: ChatCompletionRequest;
  /** The same as bytes; of an endpoint that runs as asked, what the caller wrote. */
  source: Buffer;
  /** Absent: a chat. */
  endpoint?: Endpoint;
  /** The caller may come back for the answer by its id. */
  isStored?: boolean;
  /** Absent: the answer goes out as it is. */
  dialect?: (job: InferenceJob) => Dialect;
}

/** A longer one is let go of while its call is waited for: it lies in Redis, and here it would be held twice, as bytes and parsed. */
const KEPT_BYTES = 64 * 1024;

/** Makes a job of it and holds the connection until it is answered. A shutdown waits for the acceptance. */
export async function answerCall(
  { asked, body, source, endpoint, isStored = false, dialect }: HeldCall,
  request: FastifyRequest,
  reply: FastifyReply,
  submit: SubmitDeps,
  replyDeps: ReplyDeps,
): Promise<void> {
  const { openCalls } = replyDeps;
  if (openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
  const { models, isStrict, policy } = submit; // once: a reload must not change them half way
  const isModel = (name: string): boolean => resolveModel(models, name, isStrict).kind === 'found';
  const options = readRequestOptions(request.headers, asked, isModel, request.hasMasterKey);
  const repeats = repeatable(request, options.tenant, submit.promises);
  let isCut = false;
  const accepting = { isStream: body.stream === true, shutDown: () => (isCut = true) };
  openCalls.add(accepting);
  try {
    const beta = endpoint === '/v1/messages' ? betaOf(request.headers) : undefined;
    const stored = isStored ? { asked: request.source! } : undefined;
    const submission = { source, endpoint, beta, body, options, requestId: request.id, same: repeats?.same, stored };
    const submitted = await submitInference(submission, submit);
    if (submitted.kind === 'refused') throw new ApiException(submitted.error);
    if (isCut) {
      submitted.follower.close();
      await repeats?.promise(submitted.job).catch(() => undefined);
      throw new ApiException(SHUTTING_DOWN, submitted.job.jobId);
    }
    if (source.length > KEPT_BYTES) {
      repeats?.remember?.();
      request.source = undefined;
      request.body = undefined;
    }
    const following = options.continues ? { ...submitted, cancel: () => Promise.resolve() } : submitted;
    const deps = { ...replyDeps, promise: repeats?.promise, waitMs: options.waitMs ?? policy.waitMs };
    await hold(following, body.stream === true, reply, deps, dialect?.(submitted.job));
  } finally {
    openCalls.delete(accepting); // the reply is counted by now
  }
}

async function hold(
  following: Following,
  isStream: boolean,
  reply: FastifyReply,
  deps: ReplyDeps & { waitMs: number },
  dialect: Dialect | undefined,
): Promise<void> {
  if (reply.raw.destroyed) {
    // The caller left while the job was being accepted.
    following.follower.close();
    await following.cancel();
  } else if (isStream) replyWithSse(following, reply, deps, dialect);
  else replyWithJson(following, reply, deps, dialect);
}
