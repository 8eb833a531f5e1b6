import type { InferenceJob } from '@sluice/pipeline';
import type { DurableRecords, JobRecords } from '@sluice/queue';
import type { FollowDeps } from './follow-job.js';
import type { StoredResponses } from './stored-responses.js';

/** What the routes of responses share. */
export interface ResponsesDeps extends FollowDeps {
  stored: StoredResponses;
  records: Pick<JobRecords, 'join' | 'cancel'>;
  durables: Pick<DurableRecords, 'erase'>;
  /** The frames of its answer are still there. */
  hasStream: (job: InferenceJob) => Promise<boolean>;
}
