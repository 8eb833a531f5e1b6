import type { InferenceJob, Submitted } from '@sluice/pipeline';
import type { ApiError } from '@sluice/wire';
import type { Repeatable } from './idempotency/same-call.js';
import type { HttpTimes } from './http-times.js';
import type { OpenCalls } from './open-calls.js';

/** A call that has become a job. */
export type Following = Extract<Submitted, { kind: 'following' }>;

/** What the two replies, JSON and SSE, need. */
export interface ReplyDeps {
  openCalls: OpenCalls;
  times: Pick<HttpTimes, 'earlyHeadMs' | 'heartbeatMs' | 'laggingMs' | 'unreadMs'>;
  /** The result of a job whose terminal frame was too large to carry it. */
  readResult: (job: InferenceJob) => Promise<Buffer | undefined>;
  /** Before the caller is told to come back, so that a repeat finds the job. Absent: a repeat would be another call. */
  promise?: Repeatable['promise'] | undefined;
}

export const SHUTTING_DOWN: ApiError = {
  code: 'shutting_down',
  message: 'This server is shutting down. The call can be repeated at once.',
  retryAfterMs: 1_000,
};

/** After its deadline a job is ended by its run, or 30 s later by any worker's sweep; this is for when no worker is alive. */
const OVERDUE_MS = 40_000;
export const OVERDUE: ApiError = { code: 'deadline_exceeded', message: 'The deadline of the call has passed.' };

/** What a timer of Node's takes; it fires at once when asked for more. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** From now until nobody can be expected to end the job any more, ms. */
export function overdueInMs({ deadlineMs, acceptedAtMs }: Pick<InferenceJob, 'deadlineMs' | 'acceptedAtMs'>): number {
  return Math.min(deadlineMs - acceptedAtMs + OVERDUE_MS, LONGEST_TIMER_MS);
}
