import type { JobRecords } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';

/** Ends a job that nobody started before its queue time or its deadline was over. */
export async function expireJob(records: Pick<JobRecords, 'expire'>, group: string, jobId: string): Promise<void> {
  await records.expire(group, jobId, JSON.stringify(EXPIRED));
}

const EXPIRED: Outcome = {
  state: 'expired',
  error: { code: 'queue_ttl_exceeded', message: 'The call was not started in the time that it may wait in the queue.' },
};
