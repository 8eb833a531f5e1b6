import { UNFINISHED_BATCH } from '@sluice/core';
import { and, asc, desc, eq, gt, inArray, lt, lte, notExists } from 'drizzle-orm';
import { batches } from '../batches/schema.js';
import type { LazyDatabase } from '../lazy-database.js';
import type { Db } from '../open-database.js';
import { files } from './schema.js';

export type FileRow = typeof files.$inferSelect;

export interface FilePage {
  purpose?: string | undefined;
  /** Id of the last one seen. */
  after?: string | undefined;
  limit: number;
  order: 'asc' | 'desc';
}

/** What files there are, and whose. An expired one is none, whether its bytes are removed yet or not. */
export class FileCatalog {
  constructor(private readonly database: LazyDatabase) {}

  async add(row: FileRow): Promise<void> {
    await this.database.use((db) => db.insert(files).values(row).onConflictDoNothing());
  }

  async find(tenant: string, id: string, nowMs: number): Promise<FileRow | undefined> {
    const [row] = await this.database.use((db) =>
      db
        .select()
        .from(files)
        .where(and(eq(files.id, id), eq(files.tenant, tenant), gt(files.expiresAtMs, nowMs))),
    );
    return row;
  }

  /** One more than asked for when there are more. */
  list(tenant: string, { purpose, after, limit, order }: FilePage, nowMs: number): Promise<FileRow[]> {
    const isAsc = order === 'asc';
    const beyond = after === undefined ? undefined : isAsc ? gt(files.id, after) : lt(files.id, after);
    return this.database.use((db) =>
      db
        .select()
        .from(files)
        .where(
          and(
            eq(files.tenant, tenant),
            gt(files.expiresAtMs, nowMs),
            purpose === undefined ? undefined : eq(files.purpose, purpose),
            beyond,
          ),
        )
        .orderBy(isAsc ? asc(files.id) : desc(files.id))
        .limit(limit + 1),
    );
  }

  /** Those of them that have a row, whether their time is over or not. */
  async known(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.database.use((db) =>
      db
        .select({ id: files.id })
        .from(files)
        .where(inArray(files.id, [...ids])),
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** After their bytes: a row alone knows that there are some. */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.database.use((db) => db.delete(files).where(inArray(files.id, [...ids])));
  }

  /** Whose time is over, and which no batch reads any more. */
  async expired(nowMs: number, limit: number): Promise<string[]> {
    const rows = await this.database.use((db) =>
      db
        .select({ id: files.id })
        .from(files)
        .where(and(lte(files.expiresAtMs, nowMs), notExists(readers(db))))
        .limit(limit),
    );
    return rows.map(({ id }) => id);
  }
}

/** Batches that are over are announced soon: the index of those that are not has few rows. */
const readers = (db: Db) =>
  db
    .select({ id: batches.id })
    .from(batches)
    .where(
      and(
        eq(batches.inputFileId, files.id),
        eq(batches.isAnnounced, false),
        inArray(batches.status, [...UNFINISHED_BATCH]),
      ),
    );
