import type { InferenceJob } from '@sluice/pipeline';
import type { JobRecords } from '@sluice/queue';
import type { Follower, Inbox, LookAtRecord } from '@sluice/stream';

export interface FollowDeps {
  inbox: Pick<Inbox, 'channel' | 'follow'>;
  records: Pick<JobRecords, 'join'>;
  lookAt: (group: string) => LookAtRecord;
}

/** Follows a job that is none of this connection's: what it has said so far, then what it says. */
export async function followJob(
  { group, jobId }: Pick<InferenceJob, 'group' | 'jobId'>,
  { inbox, records, lookAt }: FollowDeps,
): Promise<Follower> {
  const follower = inbox.follow(jobId, lookAt(group));
  try {
    await records.join(group, jobId, inbox.channel);
  } catch (error) {
    follower.close();
    throw error;
  }
  follower.lookNow();
  return follower;
}
