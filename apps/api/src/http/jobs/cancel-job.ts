import type { JobRecords } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';
import type { FoundJob } from './job-finder.js';

const CANCELLED: Outcome = { state: 'cancelled', error: { code: 'job_cancelled', message: 'The job was cancelled.' } };

/** A job that waits is cancelled at once, one that runs soon after; false: it was over, or is gone. */
export async function cancelJob(
  { group, jobId }: FoundJob,
  { records }: { records: Pick<JobRecords, 'cancel'> },
): Promise<boolean> {
  const verdict = await records.cancel(group, jobId, JSON.stringify(CANCELLED));
  return verdict === 'cancelled' || verdict === 'cancelling';
}
