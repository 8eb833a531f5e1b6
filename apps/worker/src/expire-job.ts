import type { JobRecords, OverdueJob } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';

/** Ends a job that is past its time, from outside of any run. */
export async function expireJob(
  records: Pick<JobRecords, 'expire'>,
  group: string,
  { jobId, wasRunning }: OverdueJob,
): Promise<void> {
  const { state, outcome } = wasRunning ? OVERDUE : UNSTARTED;
  await records.expire(group, { jobId, state, outcome: JSON.stringify(outcome) });
}

const UNSTARTED: { state: 'expired'; outcome: Outcome } = {
  state: 'expired',
  outcome: {
    state: 'expired',
    error: {
      code: 'queue_ttl_exceeded',
      message: 'The call was not started in the time that it may wait in the queue.',
    },
  },
};

/** Its worker is gone, or its event loop stands: the deadline's own clock in the run did not end it. */
const OVERDUE: { state: 'failed'; outcome: Outcome } = {
  state: 'failed',
  outcome: {
    state: 'failed',
    error: { code: 'deadline_exceeded', message: 'The deadline of the call has passed.' },
  },
};
