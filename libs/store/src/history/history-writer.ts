import type { DurableJob, LedgerEntry } from '@sluice/wire';
import { sql, type SQL } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import { keepPartitions } from './partitions.js';

export interface HistoryWriterOptions {
  /** Redis TIME. */
  nowMs: () => number;
  /** A row that cannot be kept. */
  onError: (error: Error) => void;
  /** Days whose time is over. */
  onDropped: (partitions: string[]) => void;
}

const TEND_EVERY_MS = 3_600_000;

interface Row {
  id: string;
  createdAtMs: number;
  tenant: string;
  kind: string;
  endpoint: string;
  model: string;
  group: string;
  status: string | null;
  errorCode: string | null;
  batchId: string | null;
  metadata: string;
  durable: string;
  outcome: string | null;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  attempts: number;
  isDismissed: boolean;
  retriedFrom: string | null;
}

/** PostgreSQL's type of each column of the statement, in its order. */
const TYPES: Record<keyof Row, string> = {
  id: 'text',
  createdAtMs: 'bigint',
  tenant: 'text',
  kind: 'text',
  endpoint: 'text',
  model: 'text',
  group: 'text',
  status: 'text',
  errorCode: 'text',
  batchId: 'text',
  metadata: 'jsonb',
  durable: 'json',
  outcome: 'json',
  startedAtMs: 'bigint',
  finishedAtMs: 'bigint',
  attempts: 'integer',
  isDismissed: 'boolean',
  retriedFrom: 'text',
};

/**
 * Writes the history of durable jobs from the ledger: without bodies and secrets, in one statement per batch. Entries may
 * come in any order and more than once: the first end of a job counts, and what was erased stays erased.
 */
export class HistoryWriter {
  /** When partitions were looked after last, monotonic. */
  private tendedAt = -Infinity;

  constructor(
    private readonly database: LazyDatabase,
    private readonly options: HistoryWriterOptions,
  ) {}

  /** @throws StoreUnavailable and what PostgreSQL says of itself: to be repeated */
  async append(group: string, entries: readonly LedgerEntry[]): Promise<void> {
    await this.tendPartitions();
    await this.write(rowsOf(group, entries));
  }

  /** Before the first row, since rows without a partition of their own lie apart; then as long as there are any. */
  private async tendPartitions(): Promise<void> {
    if (performance.now() - this.tendedAt < TEND_EVERY_MS) return;
    const dropped = await keepPartitions(this.database, this.options.nowMs());
    this.tendedAt = performance.now();
    if (dropped.length > 0) this.options.onDropped(dropped);
  }

  /** A row that PostgreSQL will never take is told and left out: it must not stand in the way of all that follow. */
  private async write(rows: readonly Row[]): Promise<void> {
    try {
      await this.database.use((db) => db.execute(insertOf(rows)));
    } catch (error) {
      if (!isOfTheData(error)) throw error; // it comes again
      if (rows.length === 1) {
        this.options.onError(new Error(`${rows[0]!.id} cannot be kept in the history: ${(error as Error).message}`));
        return;
      }
      const half = rows.length >> 1;
      await this.write(rows.slice(0, half));
      await this.write(rows.slice(half));
    }
  }
}

/** SQLSTATE 22 and 23: what these rows hold cannot be stored, however often it is tried. */
const isOfTheData = (error: unknown): boolean => /^2[23]/.test(String((error as { code?: unknown }).code));

/** One row per job: a statement cannot touch a row twice. What comes last in `RANK` tells most. */
function rowsOf(group: string, entries: readonly LedgerEntry[]): Row[] {
  const told = new Map<string, { entry: LedgerEntry; isDismissed: boolean }>();
  for (const entry of entries) {
    const before = told.get(entry.jobId);
    const isLess = before !== undefined && RANK.indexOf(entry.type) < RANK.indexOf(before.entry.type);
    const isDismissed = entry.type === 'dismissed' || before?.isDismissed === true;
    told.set(entry.jobId, { entry: isLess ? before.entry : entry, isDismissed });
  }
  return [...told.values()]
    .toSorted((a, b) => (a.entry.jobId < b.entry.jobId ? -1 : 1)) // two that write the same jobs lock them in one order
    .map(({ entry, isDismissed }) => ({
      ...rowOf(group, entry),
      isDismissed,
      retriedFrom: entry.durable.retriedFrom ?? null,
    }));
}

const RANK: readonly LedgerEntry['type'][] = ['dismissed', 'accepted', 'over', 'erased'];

function rowOf(group: string, entry: LedgerEntry): Omit<Row, 'isDismissed' | 'retriedFrom'> {
  const { jobId: id, durable } = entry;
  const { tenant, kind, endpoint, createdAtMs } = durable;
  const row = { id, createdAtMs, tenant, kind, endpoint, group, errorCode: null, outcome: null, startedAtMs: null };
  if (entry.type === 'erased') {
    const nothing = { model: '', batchId: null, metadata: '{}', durable: '{}', finishedAtMs: null, attempts: 0 };
    return { ...row, ...nothing, status: 'erased' };
  }
  const asked = {
    model: storable(durable.model),
    batchId: durable.batch?.id ?? null,
    metadata: JSON.stringify(
      Object.fromEntries(Object.entries(durable.metadata).map(([key, value]) => [storable(key), storable(value)])),
    ),
    durable: JSON.stringify(withoutSecrets(durable)),
  };
  if (entry.type !== 'over') return { ...row, ...asked, status: null, finishedAtMs: null, attempts: 0 };
  const { state, outcome, startedAtMs = null, finishedAtMs, attempts } = entry;
  return {
    ...row,
    ...asked,
    status: state,
    errorCode: outcome.error?.code ?? null,
    outcome: JSON.stringify(outcome),
    startedAtMs,
    finishedAtMs,
    attempts,
  };
}

/** Whom it calls back is not needed any more, and the address of a callback may hold a key. */
const withoutSecrets = (durable: DurableJob): DurableJob => ({ ...durable, webhook: undefined });

/** What PostgreSQL's text cannot hold: NUL, and halves of a pair. */
const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

function insertOf(rows: readonly Row[]): SQL {
  const columns = (Object.keys(TYPES) as (keyof Row)[]).map(
    (key) => sql`${sql.param(rows.map((row) => row[key]))}::${sql.raw(TYPES[key])}[]`,
  );
  return sql`
    insert into sluice.job_history as kept (
      id, created_at, tenant, kind, endpoint, model, model_group, status, error_code, batch_id,
      metadata, durable, outcome, started_at, finished_at, attempts, dismissed, retried_from
    )
    select
      id, to_timestamp(created_ms / 1000.0), tenant, kind, endpoint, model, model_group, status, error_code, batch_id,
      metadata, durable, outcome, to_timestamp(started_ms / 1000.0), to_timestamp(finished_ms / 1000.0), attempts, dismissed, retried_from
    from unnest(${sql.join(columns, sql`, `)}) as row (
      id, created_ms, tenant, kind, endpoint, model, model_group, status, error_code, batch_id,
      metadata, durable, outcome, started_ms, finished_ms, attempts, dismissed, retried_from
    )
    on conflict (id, created_at) do update set
      ${sql.raw(TOLD.map((name) => `${name} = case when ${TELLS} then excluded.${name} else kept.${name} end`).join(', '))},
      dismissed = kept.dismissed or excluded.dismissed
    where ${sql.raw(TELLS)} or (excluded.dismissed and not kept.dismissed)`;
}

/** What the entry says of the job is more than the row says. */
const TELLS = `(excluded.status = 'erased' or (kept.status is null and excluded.status is not null))`;
const TOLD = `model status error_code batch_id metadata durable outcome started_at finished_at attempts`.split(' ');
