import type { InferenceJob } from '@sluice/pipeline';
import type { DurableRecords, JobRecords } from '@sluice/queue';
import type { KeptFiles } from '../files/kept-files.js';
import type { EventsDeps } from '../jobs/events-reply.js';
import type { WaitDeps } from '../jobs/wait-for-end.js';
import type { StoredResponses } from './stored-responses.js';

/** What the routes of responses share. */
export interface ResponsesDeps extends WaitDeps {
  stored: StoredResponses;
  records: Pick<JobRecords, 'join' | 'cancel'>;
  durables: Pick<DurableRecords, 'erase'>;
  events: EventsDeps;
  files: Pick<KeptFiles, 'find' | 'read'>;
  /** The frames of its answer are still there. */
  hasStream: (job: InferenceJob) => Promise<boolean>;
}
