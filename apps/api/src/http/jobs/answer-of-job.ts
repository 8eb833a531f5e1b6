import type { InferenceJob } from '@sluice/pipeline';
import type { DurableRecords } from '@sluice/queue';
import { errorBody, ERROR_CODES, type ApiError, type DurableJob, type Outcome } from '@sluice/wire';
import { apiError, ApiException } from '../api-error.js';
import { dialectOf } from '../dialect.js';
import type { FoundJob } from './job-finder.js';

/** What `GET /v1/jobs/ID/result` says: the endpoint's own body, or the job's error. */
export interface AnswerOfJob {
  status: number;
  body: Buffer | string;
}

/** @throws 409 while it is not over, 410 when its result is not kept any more */
export async function answerOfJob(
  { jobId, group, snapshot }: FoundJob,
  records: Pick<DurableRecords, 'answer'>,
  nowMs: number,
): Promise<AnswerOfJob> {
  if (snapshot.outcome === undefined) {
    const message = `The job is ${snapshot.state}. Wait for its end: GET /v1/jobs/ID?wait=60.`;
    throw new ApiException({ code: 'job_not_terminal', message, retryAfterMs: 1_000 }, jobId);
  }
  const outcome = JSON.parse(snapshot.outcome) as Outcome;
  if (outcome.state !== 'completed') return errorOf(outcome.error ?? UNKNOWN, jobId);
  const durable = snapshot.durable === undefined ? undefined : (JSON.parse(snapshot.durable) as DurableJob);
  const { resultMs = Infinity } = durable?.retention ?? {};
  if (resultMs > 0 && nowMs > (snapshot.finishedAtMs ?? nowMs) + resultMs) throw expired();
  const answer = await records.answer(group, jobId, resultMs === 0);
  if (answer === undefined) throw expired();
  const job = JSON.parse(snapshot.job) as InferenceJob;
  if (durable === undefined || durable.endpoint === '/v1/chat/completions') return { status: 200, body: answer.answer };
  const asked = JSON.parse(String(answer.asked ?? '{}')) as Record<string, unknown>;
  return { status: 200, body: dialectOf(durable.endpoint, asked, job).answer(answer.answer) };
}

const errorOf = (error: ApiError, jobId: string): AnswerOfJob => ({
  status: ERROR_CODES[error.code].status,
  body: errorBody(error, jobId),
});

const UNKNOWN: ApiError = { code: 'internal_error', message: 'The job ended without a reason.' };

const expired = (): ApiException => apiError('result_expired', 'The result of the job is not kept any more.');
