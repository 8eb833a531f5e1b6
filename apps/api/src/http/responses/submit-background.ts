import { resolveModel } from '@sluice/core';
import { submitDurable, submitDurableOnce, type SubmitDeps } from '@sluice/pipeline';
import { recordOf, responseId, type AskedBody, type DurableJob } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HeldCall } from '../answer-call.js';
import { apiError, ApiException } from '../api-error.js';
import { REPLAYED } from '../idempotency/come-back.js';
import { keyedCall } from '../idempotency/same-call.js';
import { metadataOf } from '../jobs/create-members.js';
import { SHUTTING_DOWN } from '../reply-deps.js';
import { readRequestOptions } from '../request-options.js';
import { replayResponse } from './replay-response.js';
import type { ResponsesDeps } from './responses-deps.js';
import { sendResponse } from './send-response.js';
import { RESPONSES } from './stored-responses.js';

/** What was asked is kept as long as what was answered: who goes on with it needs both. */
const KEPT_MS = 86_400_000;

/** `background: true`: the job goes its way, and whoever wants to asks for it. A stream of it can be left and come back to. */
export async function submitBackground(
  { asked, body, source }: HeldCall,
  request: FastifyRequest,
  reply: FastifyReply,
  submit: SubmitDeps,
  deps: ResponsesDeps,
): Promise<void> {
  if (deps.openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
  if (asked['store'] === false) {
    throw apiError(
      'invalid_request',
      'store must not be false with background: the response is asked for later.',
      'store',
    );
  }
  const isModel = (name: string): boolean => resolveModel(submit.models, name, submit.isStrict).kind === 'found';
  const options = readRequestOptions(request.headers, asked, isModel, request.hasMasterKey);
  const submission = { source, body, options, requestId: request.id, asked: request.source };
  const retention = { requestMs: KEPT_MS, resultMs: KEPT_MS };
  const traits = { kind: 'background', endpoint: RESPONSES, metadata: metadataOf(textsOf(asked)), retention } as const;
  const same = keyedCall(request, options.tenant);
  const submitted =
    same === undefined
      ? await submitDurable(submission, traits, submit)
      : await submitDurableOnce(submission, same, traits, submit);
  if (submitted.kind === 'refused') throw new ApiException(submitted.error);
  const { jobId } = submitted.kind === 'exists' ? submitted : submitted.job;
  if (submitted.kind === 'exists') reply.headers(REPLAYED);
  const stored = await deps.stored.find(responseId(jobId), options.tenant);
  return stored.job.stream ? replayResponse(stored, undefined, reply, deps) : sendResponse(stored, reply, deps);
}

/** A job's metadata are texts. What else LiteLLM's clients put there is meant for the router, who has read it by now. */
const textsOf = ({ metadata }: AskedBody): DurableJob['metadata'] =>
  Object.fromEntries(
    Object.entries(recordOf(metadata) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
