import type { JobRecords, JobSnapshot } from '@sluice/queue';
import type { HistoricJob, HistoryFilter } from '@sluice/store';
import type { DurableJob } from '@sluice/wire';
import type { JobView } from '@sluice/wire';
import type { ChosenJobs } from '../over-ids.js';
import type { FoundJob, JobFinder } from '../job-finder.js';
import { jobView } from '../job-view.js';
import { historicSnapshot } from './historic-snapshot.js';
import type { KeptJobs } from './kept-jobs.js';
import { isLive, type Default, type JobFilter, type ListQuery } from './list-query.js';

export interface JobListDeps {
  kept: Pick<KeptJobs, 'catchUp' | 'find' | 'ids' | 'page'>;
  records: Pick<JobRecords, 'read'>;
  finder: Pick<JobFinder, 'view' | 'nowMs'>;
}

export interface JobPage {
  object: 'list';
  data: JobView[];
  first_id: string | null;
  /** Also of a page that is empty because its filter passed over so many: ask again behind it. */
  last_id: string | null;
  has_more: boolean;
}

/** What runs and what waits is known by its record alone: such a filter looks at so many unfinished jobs at most. */
const LOOKED_AT = 20_000;
const AT_ONCE = 500;

/** Lists of durable jobs: which there are says the history, what they do now their records. */
export class JobList {
  constructor(private readonly deps: JobListDeps) {}

  /** Undefined: there is no job `after` of this tenant. @throws StoreUnavailable */
  async page(query: ListQuery, tenant: string, isDeadLetter = false): Promise<JobPage | undefined> {
    const hasCaughtUp = await this.deps.kept.catchUp();
    const found = await this.find(query, tenant, isDeadLetter, hasCaughtUp);
    if (found === undefined) return undefined;
    const data = await Promise.all(found.jobs.map((job) => this.deps.finder.view(job)));
    const { hasMore, lastId = data.at(-1)?.id ?? null } = found;
    return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: lastId, has_more: hasMore };
  }

  /** The newest that match, at most `limit`. @throws StoreUnavailable */
  async ids(filter: JobFilter, limit: number, tenant: string, byDefault: Default): Promise<ChosenJobs> {
    const hasCaughtUp = await this.deps.kept.catchUp();
    if (isLive(filter.status)) {
      const found = await this.find({ filter, after: undefined, limit, order: 'desc' }, tenant, false, hasCaughtUp);
      return { ids: found?.jobs.map(({ jobId }) => jobId) ?? [], hasMore: found?.hasMore ?? false };
    }
    const wanted: HistoryFilter = { ...historyFilter(filter), tenant };
    if (filter.status === undefined && byDefault === 'unfinished') wanted.status = 'unfinished';
    if (byDefault === 'dead letters')
      Object.assign(wanted, { isUntried: true, isDeadLetter: filter.status === undefined });
    const ids = await this.deps.kept.ids(wanted, limit + 1);
    return { ids: ids.slice(0, limit), hasMore: ids.length > limit };
  }

  private async find(
    { filter, after, limit, order }: ListQuery,
    tenant: string,
    isDeadLetter: boolean,
    hasCaughtUp: boolean,
  ): Promise<{ jobs: FoundJob[]; hasMore: boolean; lastId?: string } | undefined> {
    const wanted = { ...historyFilter(filter), tenant, isDeadLetter, isUntried: isDeadLetter };
    if (!isLive(filter.status)) {
      const rows = await this.deps.kept.page(wanted, { ...startOf(after), limit: limit + 1, order });
      if (rows === undefined) return undefined;
      return { jobs: await this.look(rows.slice(0, limit), hasCaughtUp), hasMore: rows.length > limit };
    }
    const jobs: FoundJob[] = [];
    let lastId = after;
    for (let looked = 0; looked < LOOKED_AT; looked += AT_ONCE) {
      const rows = await this.deps.kept.page(wanted, { ...startOf(lastId), limit: AT_ONCE, order });
      if (rows === undefined) return undefined;
      for (const job of await this.look(rows, hasCaughtUp)) if (this.statusOf(job) === filter.status) jobs.push(job);
      if (jobs.length > limit) return { jobs: jobs.slice(0, limit), hasMore: true };
      if (rows.length < AT_ONCE) return { jobs, hasMore: false };
      lastId = rows.at(-1)!.jobId;
    }
    return { jobs, hasMore: true, ...(lastId === undefined ? {} : { lastId }) };
  }

  private statusOf({ jobId, snapshot }: FoundJob): JobView['status'] {
    return jobView(jobId, snapshot, undefined, this.deps.finder.nowMs()).status;
  }

  /** All records in one go. */
  private look(rows: readonly HistoricJob[], hasCaughtUp: boolean): Promise<FoundJob[]> {
    return Promise.all(
      rows.map(async (row) => {
        const { jobId, group } = row;
        const record = await this.deps.records.read(group, jobId);
        return { jobId, group, snapshot: record ?? (await this.historic(row, hasCaughtUp)) };
      }),
    );
  }

  /** The record of a batch's line goes as soon as its result is written: it may have ended since its row was read. */
  private async historic(row: HistoricJob, hasCaughtUp: boolean): Promise<JobSnapshot> {
    const { kind, tenant } = JSON.parse(row.durable) as DurableJob;
    const again = row.end === undefined && kind === 'batch' ? await this.deps.kept.find(row.jobId, tenant) : undefined;
    return again === undefined ? historicSnapshot(row, hasCaughtUp) : historicSnapshot(again.job, again.hasCaughtUp);
  }
}

const startOf = (after: string | undefined): { after?: string } => (after === undefined ? {} : { after });

function historyFilter({ status, ...filter }: JobFilter): Omit<HistoryFilter, 'tenant'> {
  if (status === undefined) return filter;
  return { ...filter, status: isLive(status) ? 'unfinished' : (status as Exclude<HistoryFilter['status'], undefined>) };
}
