import type { TerminalState } from '@sluice/wire';
import { sql, type SQL } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import type { Db } from '../open-database.js';

/** Times in Unix ms; what is absent does not matter. */
export interface HistoryFilter {
  tenant: string;
  /** `unfinished`: its end is not written here (yet). */
  status?: TerminalState | 'unfinished';
  model?: string;
  endpoint?: string;
  batchId?: string;
  errorCode?: string;
  /** From then on. */
  createdAfterMs?: number;
  /** Not then any more. */
  createdBeforeMs?: number;
  /** All of these pairs, and maybe others. */
  metadata?: Record<string, string>;
  /** Failed and expired ones that nobody has put away, batch lines too, background responses not. */
  isDeadLetter?: boolean;
  /** Not tried again. */
  isUntried?: boolean;
}

export interface HistoricJob {
  jobId: string;
  group: string;
  /** DurableJob without its callback, JSON. */
  durable: string;
  /** A dead letter that its owner put away. */
  isDismissed: boolean;
  /** Absent while its end is not written here. */
  end?: {
    status: TerminalState;
    /** JSON. */
    outcome: string;
    startedAtMs?: number;
    finishedAtMs: number;
    attempts: number;
    /** Id of the newest job that it was tried again as. */
    retriedAs?: string;
  };
}

interface Row extends Record<string, unknown> {
  id: string;
  model_group: string;
  durable: string;
  status: TerminalState | null;
  outcome: string;
  started_ms: number | null;
  finished_ms: number;
  attempts: number;
  dismissed: boolean;
  retried_as: string | null;
}

const COLUMNS = sql.raw(`id, model_group, durable::text, status, outcome::text, attempts, dismissed,
  extract(epoch from started_at)::float8 * 1000 as started_ms, extract(epoch from finished_at)::float8 * 1000 as finished_ms,
  case when status is not null then (
    select again.id from sluice.job_history as again where again.retried_from = job.id order by created_at desc, id desc limit 1
  ) end as retried_as`);

/** Reads the long list of durable jobs, by age. What a job is doing now stands in its record. */
export class JobHistory {
  constructor(private readonly database: LazyDatabase) {}

  /** False: this installation keeps none. */
  get isKept(): boolean {
    return this.database.isConfigured;
  }

  /** @throws StoreUnavailable */
  async check(): Promise<void> {
    await this.database.use((db) => db.execute(sql`select 1`));
  }

  /**
   * @param after a job of the tenant: the page begins behind it
   * @returns undefined when there is no such job
   * @throws StoreUnavailable
   */
  page(
    filter: HistoryFilter,
    { after, limit, order }: { after?: string; limit: number; order: 'asc' | 'desc' },
  ): Promise<HistoricJob[] | undefined> {
    return this.database.use(async (db) => {
      const place = after === undefined ? undefined : await createdAtOf(db, after, filter.tenant);
      if (after !== undefined && place === undefined) return undefined;
      const conditions = conditionsOf(filter);
      const beyond = sql.raw(order === 'desc' ? '<' : '>');
      if (place !== undefined) {
        // The first of them alone tells which partitions can be left out.
        conditions.push(sql`created_at ${beyond}= ${place}::timestamptz`);
        conditions.push(sql`(created_at, id) ${beyond} (${place}::timestamptz, ${after})`);
      }
      const { rows } = await db.execute<Row>(sql`
        select ${COLUMNS} from sluice.job_history as job where ${sql.join(conditions, sql` and `)}
        order by created_at ${sql.raw(order)}, id ${sql.raw(order)} limit ${limit}`);
      return rows.map(jobOf);
    });
  }

  /** The newest, at most so many. @throws StoreUnavailable */
  ids(filter: HistoryFilter, limit: number): Promise<string[]> {
    return this.database.use(async (db) => {
      const { rows } = await db.execute<{ id: string }>(sql`
        select id from sluice.job_history as job where ${sql.join(conditionsOf(filter), sql` and `)}
        order by created_at desc, id desc limit ${limit}`);
      return rows.map(({ id }) => id);
    });
  }

  /** Undefined: there is none of this tenant. @throws StoreUnavailable */
  find(jobId: string, tenant: string): Promise<HistoricJob | undefined> {
    return this.database.use(async (db) => {
      const { rows } = await db.execute<Row>(sql`
        select ${COLUMNS} from sluice.job_history as job
        where id = ${jobId} and tenant = ${tenant} and status is distinct from 'erased'`);
      return rows[0] && jobOf(rows[0]);
    });
  }

  /** Safe to repeat. @throws StoreUnavailable */
  async mark(jobId: string, tenant: string, how: 'erased' | 'dismissed'): Promise<void> {
    const mine = sql`id = ${jobId} and tenant = ${tenant}`;
    const change = how === 'erased' ? ERASED : sql`dismissed = true`;
    await this.database.use((db) => db.execute(sql`update sluice.job_history set ${change} where ${mine}`));
  }
}

/** What is left of a job that its owner deleted, so that an entry of the ledger that comes late does not bring it back. */
const ERASED =
  sql.raw(`status = 'erased', model = '', error_code = null, batch_id = null, metadata = '{}', durable = '{}',
  outcome = null, started_at = null, finished_at = null, attempts = 0`);

const DEAD = sql.raw(`status in ('failed', 'expired') and kind in ('native', 'batch')`);

function conditionsOf(filter: HistoryFilter): SQL[] {
  const { tenant, status, model, endpoint, batchId, errorCode, createdAfterMs, createdBeforeMs, metadata } = filter;
  const conditions = [sql`tenant = ${tenant}`];
  if (filter.isDeadLetter === true) conditions.push(DEAD, sql`not dismissed`);
  if (filter.isUntried === true) {
    conditions.push(sql`not exists (select 1 from sluice.job_history as again where again.retried_from = job.id)`);
  }
  if (status === 'unfinished') conditions.push(sql`status is null`);
  else if (status !== undefined) conditions.push(sql`status = ${status}`);
  else conditions.push(sql`status is distinct from 'erased'`);
  if (model !== undefined) conditions.push(sql`model = ${model}`);
  if (endpoint !== undefined) conditions.push(sql`endpoint = ${endpoint}`);
  if (batchId !== undefined) conditions.push(sql`batch_id = ${batchId}`);
  if (errorCode !== undefined) conditions.push(sql`error_code = ${errorCode}`);
  if (createdAfterMs !== undefined) conditions.push(sql`created_at >= ${new Date(createdAfterMs)}`);
  if (createdBeforeMs !== undefined) conditions.push(sql`created_at < ${new Date(createdBeforeMs)}`);
  if (metadata !== undefined) {
    conditions.push(sql`metadata <> '{}' and metadata @> ${JSON.stringify(metadata)}::jsonb`); // as its index says it
  }
  return conditions;
}

/** As text: a Date has no microseconds. */
async function createdAtOf(db: Db, jobId: string, tenant: string): Promise<string | undefined> {
  const { rows } = await db.execute<{ at: string }>(
    sql`select created_at::text as at from sluice.job_history where id = ${jobId} and tenant = ${tenant}`,
  );
  return rows[0]?.at;
}

function jobOf({ id: jobId, model_group: group, durable, dismissed: isDismissed, status, ...end }: Row): HistoricJob {
  const job = { jobId, group, durable, isDismissed };
  if (status === null) return job;
  const { outcome, started_ms: startedMs, finished_ms: finishedMs, attempts } = end;
  const started = startedMs === null ? {} : { startedAtMs: Math.round(startedMs) };
  const again = end.retried_as === null ? {} : { retriedAs: end.retried_as };
  return { ...job, end: { status, outcome, ...started, finishedAtMs: Math.round(finishedMs), attempts, ...again } };
}
