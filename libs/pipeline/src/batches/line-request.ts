import { isAscii } from 'node:buffer';
import { isLineProblem, readBatchLine, type BatchLine } from '@sluice/core';
import type { BatchRow } from '@sluice/store';
import { chatMessagesProblem, presentationOf, type ApiError, type ChatCompletionRequest } from '@sluice/wire';
import type { DurableRequest, DurableTraits } from '../submit-durable.js';
import type { RequestOptions } from '../inference-request.js';
import { lineFormOf } from './line-form.js';

/** A line as a job to submit; or the mistake in it, which is the line's own failure. */
export type LineRequest =
  | { kind: 'job'; request: DurableRequest; traits: DurableTraits }
  | { kind: 'mistake'; customId: string; error: ApiError };

/** How long a result lies in Redis at most, when the database is away: then the line is told as failed. */
const RESULT_KEPT_MS = 7 * 86_400_000;
/** Under this name a batch keeps the `anthropic-beta` that it was made with: it counts for all of its lines. */
export const BETA = 'anthropic_beta';
/** Members that would make the caller choose where the call goes and with whose key. */
const FORBIDDEN = ['api_key', 'api_base', 'base_url'];

/** @param written a line that was checked with the file */
export function lineRequest(batch: BatchRow, number: number, written: Buffer, nowMs: number): LineRequest {
  const text = written.toString();
  const line = readBatchLine(text, lineFormOf(batch));
  if (isLineProblem(line)) throw new Error(`line ${number} of ${batch.id} is not what was checked: ${line.code}`);
  const presentation = presentationOf(batch.endpoint);
  if (presentation === undefined) return mistake(line, `${batch.endpoint} is not served here.`, 'url');
  const asked = line.body;
  if (asked === undefined) return mistake(line, `The body must be a JSON object.`, 'body');
  const problem = problemOf(asked);
  if (problem !== undefined) return mistake(line, ...problem);
  const translated = presentation.toChat(asked);
  if (translated.kind === 'refused') return { kind: 'mistake', customId: line.customId, error: translated.error };
  const body = translated.body as unknown as ChatCompletionRequest;
  const isChat = batch.endpoint === '/v1/chat/completions';
  const chatProblem = isChat ? chatMessagesProblem(body.messages) : null;
  if (chatProblem !== null)
    return mistake(line, `${chatProblem.param} must be ${chatProblem.expected}.`, chatProblem.param);
  const [from, to] = line.bodySpan();
  const bytes = isAscii(written) ? written.subarray(from, to) : Buffer.from(text.slice(from, to)); // a line may have 10 MB
  const isOwn = translated.runsAsAsked === true;
  const isTranslated = !isChat && !isOwn;
  return {
    kind: 'job',
    request: {
      source: isTranslated ? Buffer.from(JSON.stringify(body)) : bytes,
      ...(isOwn ? { endpoint: batch.endpoint, beta: batch.metadata[BETA] } : {}),
      ...(isTranslated ? { asked: bytes } : {}),
      body,
      options: optionsOf(batch, asked, nowMs),
      requestId: batch.id,
    },
    traits: {
      kind: 'batch',
      endpoint: batch.endpoint,
      metadata: {},
      batch: { id: batch.id, line: number, customId: line.customId },
      // What was asked is needed to write the answer, where it was translated; of others nothing is kept in Redis twice.
      retention: { resultMs: RESULT_KEPT_MS, requestMs: isTranslated ? RESULT_KEPT_MS : 0 },
    },
  };
}

function problemOf(asked: Readonly<Record<string, unknown>>): [message: string, param: string] | undefined {
  const { model, stream } = asked;
  if (typeof model !== 'string' || model === '' || model.length > 512)
    return ['model must be a string of 1 to 512 characters.', 'model'];
  if (stream !== undefined && stream !== null && stream !== false)
    return ['A line of a batch cannot be streamed: leave stream out.', 'stream'];
  const forbidden = FORBIDDEN.find((member) => asked[member] !== undefined && asked[member] !== null);
  return forbidden === undefined ? undefined : [`${forbidden} may not be set by a caller.`, forbidden];
}

/** It may wait as long as its batch; whoever waits for an answer comes first. */
function optionsOf(batch: BatchRow, asked: Readonly<Record<string, unknown>>, nowMs: number): RequestOptions {
  const leftMs = Math.max(1, batch.expiresAtMs - nowMs);
  const { tags, num_retries: retries, allowed_model_region: region } = asked;
  const isTags = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string');
  return {
    waitMs: undefined,
    timeoutMs: undefined,
    streamTimeoutMs: undefined,
    deadlineMs: leftMs,
    queueTtlMs: leftMs,
    maxAttempts:
      Number.isInteger(retries) && (retries as number) >= 0 ? Math.min(20, (retries as number) + 1) : undefined,
    fallbacks: undefined,
    mock: undefined,
    rejectWhenFull: false,
    tags: isTags ? (tags as string[]) : [],
    region: typeof region === 'string' ? region : undefined,
    tenant: batch.tenant,
    tier: 'low',
    session: undefined,
  };
}

const mistake = ({ customId }: BatchLine, message: string, param: string): LineRequest => ({
  kind: 'mistake',
  customId,
  error: { code: 'invalid_request', message, param },
});
