import type { DurableRecords, JobRecords } from '@sluice/queue';
import type { KeptJobs } from './history/kept-jobs.js';
import type { DurableJob } from '@sluice/wire';
import type { FoundJob, JobFinder } from './job-finder.js';
import type { WaitDeps } from './wait-for-end.js';

/** What the routes of jobs share. */
export interface JobsDeps extends WaitDeps {
  finder: JobFinder;
  records: Pick<JobRecords, 'join' | 'cancel' | 'onDisk'>;
  durable: DurableRecords;
  kept: KeptJobs;
  /** Of a job whose record is gone: who has one tells by way of the ledger. */
  eraseDeliveries: (jobId: string) => Promise<void>;
  /** @throws 400, 404 when its creator may not be called there */
  checkCallback: (webhook: DurableJob['webhook'], tenant: string) => Promise<void>;
  /** The text that its readers have been sent; null: none. */
  outputSoFar: (found: FoundJob) => Promise<string | null>;
}
