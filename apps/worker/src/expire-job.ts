import { unstarted } from '@sluice/pipeline';
import type { JobRecords, OverdueJob } from '@sluice/queue';
import type { ApiError, Outcome } from '@sluice/wire';

/** Ends a job that is past its time, from outside of any run. */
export async function expireJob(
  records: Pick<JobRecords, 'expire'>,
  group: string,
  { jobId, how }: OverdueJob,
): Promise<void> {
  const outcome: Outcome = { state: 'expired', error: how === 'running' ? OVERDUE : unstarted(how === 'no_room') };
  await records.expire(group, { jobId, state: 'expired', outcome: JSON.stringify(outcome) });
}

/** Its worker is gone, or its event loop stands: the deadline's own clock in the run did not end it. */
const OVERDUE: ApiError = { code: 'deadline_exceeded', message: 'The deadline of the call has passed.' };
