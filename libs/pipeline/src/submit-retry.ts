import { setTimeout as pause } from 'node:timers/promises';
import type { DurableRecords } from '@sluice/queue';
import type { ApiError } from '@sluice/wire';
import { claimJob, type KeyedCall, type SameCallDeps } from './claim-job.js';
import { findGroup } from './find-group.js';
import { submitDurable, type DurableDeps, type DurableRequest, type DurableTraits } from './submit-durable.js';

/** The job that is tried again. */
export interface EndedJob {
  jobId: string;
  group: string;
  /** As its record has it. */
  retriedAs: string | undefined;
}

export interface RetryDeps extends DurableDeps, SameCallDeps {
  durable: Pick<DurableRecords, 'claimRetry' | 'releaseRetry'>;
  /** Undefined: there is no such job. */
  lookFor: (jobId: string) => Promise<{ isOver: boolean; retriedAs: string | undefined } | undefined>;
}

export type Retried =
  | { kind: 'accepted'; jobId: string }
  /** It is being tried again already, or an earlier call with the key has made that job. */
  | { kind: 'exists'; jobId: string }
  | { kind: 'refused'; error: ApiError };

/** Between the claim of a retry and its acceptance; longer, and who claimed it is gone. */
const ACCEPTING_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Tries a job again that is over, as a new one. One at a time: its record says as which job before that one is accepted, so
 * that two who ask at once make one.
 */
export async function submitRetry(
  ended: EndedJob,
  request: DurableRequest,
  traits: DurableTraits,
  same: KeyedCall | undefined,
  deps: RetryDeps,
): Promise<Retried> {
  const found = findGroup(request, deps);
  if (found.kind === 'refused') return found;
  const { group } = found;
  const prepared = { jobId: deps.newJobId(group), group };
  const times = { acceptedAtMs: deps.nowMs(), deadlineMs: deps.nowMs() };
  const claimed = same === undefined ? undefined : await claimJob(same, { ...prepared, ...times }, deps, true);
  if (claimed?.kind === 'refused') return claimed;
  if (claimed?.kind === 'share') return { kind: 'exists', jobId: claimed.jobId };
  const fixed = claimed ?? prepared;

  for (let { retriedAs } = ended; ;) {
    const other = retriedAs === undefined ? undefined : await unfinished(retriedAs, deps);
    if (other !== undefined && other !== fixed.jobId) {
      await claimed?.settle(false);
      return { kind: 'exists', jobId: other };
    }
    const verdict = await deps.durable.claimRetry(ended.group, ended.jobId, fixed.jobId, retriedAs);
    if (verdict === 'done') {
      const submitted = await submitDurable({ ...request, fixed }, traits, deps);
      await claimed?.settle(submitted.kind === 'accepted');
      if (submitted.kind === 'accepted') return { kind: 'accepted', jobId: fixed.jobId };
      await deps.durable.releaseRetry(ended.group, ended.jobId, fixed.jobId, retriedAs);
      return submitted;
    }
    const now = await deps.lookFor(ended.jobId); // somebody was faster, or it is gone
    if (now === undefined) return { kind: 'refused', error: NOT_RETAINED };
    ({ retriedAs } = now);
  }
}

/** The id of the job that it is tried again as, unless that is over or never came to be. */
async function unfinished(
  retriedAs: string,
  { nowMs, lookFor }: Pick<RetryDeps, 'nowMs' | 'lookFor'>,
): Promise<string | undefined> {
  const [jobId, claimedAt] = retriedAs.split(' ') as [string, string];
  for (;;) {
    const other = await lookFor(jobId);
    if (other !== undefined) return other.isOver ? undefined : jobId;
    if (nowMs() - Number(claimedAt) > ACCEPTING_MS) return undefined;
    await pause(LOOK_EVERY_MS);
  }
}

export const NOT_RETAINED: ApiError = {
  code: 'request_not_retained',
  message: 'The request of the job is not kept any more (retention.request). Submit it anew.',
};
