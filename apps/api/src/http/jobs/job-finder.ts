import { isJobId, tenantOf } from '@sluice/core';
import type { GroupsOfIds, JobRecords, JobSnapshot, QueueView } from '@sluice/queue';
import type { SubmittedOnce } from '@sluice/pipeline';
import type { DurableJob, JobView } from '@sluice/wire';
import { apiError, storageError, type ApiException } from '../api-error.js';
import { historicSnapshot } from './history/historic-snapshot.js';
import type { KeptJobs } from './history/kept-jobs.js';
import { jobView } from './job-view.js';

export interface FoundJob {
  jobId: string;
  group: string;
  snapshot: JobSnapshot;
}

type AcceptedJob = Exclude<SubmittedOnce, { kind: 'refused' }>;

/** Finds the jobs of a tenant by their ids. One of another tenant is one that does not exist, in every respect. */
export class JobFinder {
  constructor(
    private readonly records: Pick<JobRecords, 'read'>,
    private readonly groups: GroupsOfIds,
    private readonly queues: Pick<QueueView, 'place'>,
    private readonly kept: Pick<KeptJobs, 'find'>,
    /** Redis TIME. */
    readonly nowMs: () => number,
  ) {}

  /** @throws 404 not_found */
  async find(jobId: string, tenant: string): Promise<FoundJob> {
    const found = await this.lookFor(jobId, tenant);
    if (found === undefined) throw noSuchJob(jobId);
    return found;
  }

  async lookFor(jobId: string, tenant: string): Promise<FoundJob | undefined> {
    if (isJobId(jobId)) {
      const groups = await this.groups.of(jobId);
      // An id that leads to no group is looked up all the same: it must take as long as one that does.
      for (const group of groups.length === 0 ? [''] : groups) {
        const snapshot = await this.records.read(group, jobId);
        if (snapshot !== undefined && ownerOf(snapshot) === tenant) return { jobId, group, snapshot };
      }
    }
    return undefined;
  }

  /**
   * Also one whose record is gone: as the history knows it, without a result.
   * @throws 404 not_found; 503 when only the history could tell and it is away
   */
  async findEver(jobId: string, tenant: string): Promise<FoundJob> {
    try {
      return await this.find(jobId, tenant);
    } catch (error) {
      const found = isJobId(jobId) ? await this.kept.find(jobId, tenant) : undefined;
      if (found === undefined) throw error;
      const { job, hasCaughtUp } = found;
      return { jobId, group: job.group, snapshot: historicSnapshot(job, hasCaughtUp) };
    }
  }

  /** One that was accepted just now. With Redis away since then it is shown as it was taken in: it is no failure. */
  async accepted(submitted: AcceptedJob): Promise<FoundJob> {
    const { jobId, group } = submitted.kind === 'exists' ? submitted : submitted.job;
    const snapshot = await this.records.read(group, jobId).catch((error: unknown) => {
      if (submitted.kind === 'exists' || storageError(error) === undefined) throw error;
      return undefined;
    });
    if (snapshot !== undefined) return { jobId, group, snapshot };
    if (submitted.kind === 'exists') throw noSuchJob(jobId);
    return { jobId, group, snapshot: freshSnapshot(submitted) };
  }

  async view({ jobId, group, snapshot }: FoundJob): Promise<JobView> {
    const placing = snapshot.state === 'queued' ? this.queues.place(group, jobId) : undefined;
    const place = await placing?.catch(() => undefined); // what is known is told
    return jobView(jobId, snapshot, place, this.nowMs());
  }
}

const freshSnapshot = ({ job, durable }: Extract<AcceptedJob, { kind: 'accepted' }>): JobSnapshot => ({
  state: 'queued',
  job: JSON.stringify(job),
  durable: JSON.stringify(durable),
  line: '',
  seq: 0,
  isCancelling: false,
  startedAtMs: undefined,
  finishedAtMs: undefined,
  attempts: undefined,
  progress: undefined,
  asking: undefined,
  outcome: undefined,
  retriedAs: undefined,
  isDismissed: false,
});

export const noSuchJob = (jobId: string): ApiException =>
  apiError('not_found', `There is no job "${jobId.slice(0, 100)}".`, 'id');

const ownerOf = ({ durable, line }: JobSnapshot): string =>
  durable === undefined ? tenantOf(line) : (JSON.parse(durable) as DurableJob).tenant;
