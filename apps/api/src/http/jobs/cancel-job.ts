import type { JobRecords } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';
import type { FoundJob } from './job-finder.js';

const CANCELLED = {
  state: 'cancelled',
  error: { code: 'job_cancelled', message: 'The job was cancelled.' },
} satisfies Outcome;
const OUTCOME = JSON.stringify(CANCELLED);

/** A job that waits is cancelled at once, one that runs soon after; false: it was over, or is gone. */
export async function cancelJob(
  { group, jobId }: FoundJob,
  { records }: { records: Pick<JobRecords, 'cancel' | 'onDisk'> },
): Promise<boolean> {
  const verdict = await records.cancel(group, jobId, OUTCOME);
  if (verdict === 'cancelled') await records.onDisk.ended(group, jobId, OUTCOME);
  return verdict === 'cancelled' || verdict === 'cancelling';
}
