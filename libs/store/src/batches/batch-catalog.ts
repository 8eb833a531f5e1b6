import { UNFINISHED_BATCH, type BatchStatus } from '@sluice/core';
import type { BatchDialectName } from '@sluice/wire';
import { and, asc, desc, eq, gt, inArray, lt, notInArray, type SQL } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import { batches } from './schema.js';

export type BatchRow = typeof batches.$inferSelect;

export type NewBatch = Pick<
  BatchRow,
  | 'id'
  | 'tenant'
  | 'dialect'
  | 'endpoint'
  | 'inputFileId'
  | 'completionWindow'
  | 'outputKeptMs'
  | 'metadata'
  | 'retriedFrom'
  | 'createdAtMs'
  | 'expiresAtMs'
> & {
  /** Lines of a file that was checked when it came; absent: it is to be. */
  checkedLines?: number;
};

export interface BatchPage {
  after?: string | undefined;
  before?: string | undefined;
  limit: number;
  order: 'asc' | 'desc';
}

/** Batches as their callers see them. Who drives them works by `BatchProgress`. */
export class BatchCatalog {
  constructor(private readonly database: LazyDatabase) {}

  async add({ checkedLines: total, ...batch }: NewBatch): Promise<BatchRow> {
    const begun =
      total === undefined
        ? { status: 'validating' as const }
        : { status: 'in_progress' as const, total, inProgressAtMs: batch.createdAtMs };
    const [row] = await this.database.use((db) =>
      db
        .insert(batches)
        .values({ ...batch, ...begun })
        .returning(),
    );
    return row!;
  }

  async find(tenant: string, dialect: BatchDialectName, id: string): Promise<BatchRow | undefined> {
    const [row] = await this.database.use((db) =>
      db
        .select()
        .from(batches)
        .where(owned(tenant, dialect, id)),
    );
    return row;
  }

  /** One more than asked for when there are more. */
  async list(
    tenant: string,
    dialect: BatchDialectName,
    { after, before, limit, order }: BatchPage,
  ): Promise<BatchRow[]> {
    const isAsc = (order === 'asc') !== (before !== undefined); // backwards from `before`, then turned round
    const from = before ?? after;
    const beyond = from === undefined ? undefined : isAsc ? gt(batches.id, from) : lt(batches.id, from);
    const rows = await this.database.use((db) =>
      db
        .select()
        .from(batches)
        .where(and(eq(batches.tenant, tenant), eq(batches.dialect, dialect), beyond))
        .orderBy(isAsc ? asc(batches.id) : desc(batches.id))
        .limit(limit + 1),
    );
    return before === undefined ? rows : rows.reverse();
  }

  /** A batch that is over stays as it is. @returns it as it stands then */
  async cancel(tenant: string, dialect: BatchDialectName, id: string, nowMs: number): Promise<BatchRow | undefined> {
    await this.database.use((db) =>
      db
        .update(batches)
        .set({ status: 'cancelling', cancellingAtMs: nowMs })
        .where(and(owned(tenant, dialect, id), inArray(batches.status, CANCELLABLE))),
    );
    return this.find(tenant, dialect, id);
  }

  /** False: there is none that is over. */
  async remove(tenant: string, dialect: BatchDialectName, id: string): Promise<boolean> {
    const gone = await this.database.use((db) =>
      db
        .delete(batches)
        .where(and(owned(tenant, dialect, id), notInArray(batches.status, [...UNFINISHED_BATCH])))
        .returning({ id: batches.id }),
    );
    return gone.length > 0;
  }

  /** Whether an unfinished batch reads this file. */
  async isInput(fileId: string): Promise<boolean> {
    const [row] = await this.database.use((db) =>
      db
        .select({ id: batches.id })
        .from(batches)
        .where(and(eq(batches.inputFileId, fileId), inArray(batches.status, [...UNFINISHED_BATCH])))
        .limit(1),
    );
    return row !== undefined;
  }

  /** Rows of batches that ended so long ago. @returns how many went */
  async forgetEndedBefore(timeMs: number): Promise<number> {
    const gone = await this.database.use((db) =>
      db
        .delete(batches)
        .where(and(lt(batches.endedAtMs, timeMs), eq(batches.isAnnounced, true)))
        .returning({ id: batches.id }),
    );
    return gone.length;
  }
}

const CANCELLABLE: BatchStatus[] = ['validating', 'in_progress'];

const owned = (tenant: string, dialect: BatchDialectName, id: string): SQL | undefined =>
  and(eq(batches.id, id), eq(batches.tenant, tenant), eq(batches.dialect, dialect));
