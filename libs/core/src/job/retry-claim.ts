import { isOver, type JobGroup } from './job-group.js';

export interface RetryClaimAsk {
  jobId: string;
  /** Id of the job that it is tried again as. */
  as: string;
  /** `retriedAs` as it stood before; empty: nothing. */
  before: string;
}

/** Who retries says as which job, before that one is accepted. The twin of `claim-retry.lua`. */
export function claimRetry(
  group: JobGroup,
  { jobId, as, before }: RetryClaimAsk,
  nowMs: number,
): 'done' | 'unfinished' | 'taken' | 'gone' {
  const record = group.records.get(jobId);
  if (record === undefined) return 'gone';
  if (!isOver(record)) return 'unfinished';
  const { retriedAs = '' } = record;
  if (retriedAs.split(' ')[0] === as) return 'done';
  if (retriedAs !== before) return 'taken';
  record.retriedAs = `${as} ${nowMs}`;
  return 'done';
}

/** The other was refused. The twin of the same script. */
export function releaseRetry(group: JobGroup, { jobId, as, before }: RetryClaimAsk): 'done' | 'unfinished' | 'gone' {
  const record = group.records.get(jobId);
  if (record === undefined) return 'gone';
  if (!isOver(record)) return 'unfinished';
  if (record.retriedAs?.split(' ')[0] === as) record.retriedAs = before;
  return 'done';
}
