import type { BatchStatus, InputProblem } from '@sluice/core';
import { and, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { FileRow } from '../files/file-catalog.js';
import { files } from '../files/schema.js';
import type { LazyDatabase } from '../lazy-database.js';
import type { BatchRow } from './batch-catalog.js';
import { batches, batchLines } from './schema.js';

export interface BatchEnd {
  /** `failed`: its input is gone. */
  status: 'completed' | 'cancelled' | 'expired' | 'failed';
  problem?: InputProblem | undefined;
  endedAtMs: number;
  output: FileRow | undefined;
  errors: FileRow | undefined;
  /** Lines that were never begun: they end with their batch. */
  unrun: number;
}

/**
 * What whoever drives a batch reads and writes. A driver begins with `begin`, which raises the epoch; what an older one
 * still writes is refused, and it is told so by `undefined`.
 */
export class BatchProgress {
  constructor(private readonly database: LazyDatabase) {}

  /** Of batches that are not over, or whose end has not been told: so many, oldest first. */
  async toDrive(limit: number): Promise<string[]> {
    const rows = await this.database.use((db) =>
      db
        .select({ id: batches.id })
        .from(batches)
        .where(eq(batches.isAnnounced, false))
        .orderBy(batches.id)
        .limit(limit),
    );
    return rows.map(({ id }) => id);
  }

  /** How many run lines now. */
  async running(): Promise<number> {
    const [row] = await this.database.use((db) =>
      db
        .select({ n: sql<number>`count(*)::int` })
        .from(batches)
        .where(and(eq(batches.isAnnounced, false), eq(batches.status, 'in_progress'))),
    );
    return row!.n;
  }

  /**
   * Takes the batch over. The cursor goes back to 0, and with it ends the freeing of records: what is done now is in
   * `doneLines`, and what ends from now on keeps its record until this driver has passed it.
   */
  begin(id: string): Promise<BatchRow | undefined> {
    return this.change(sql`${batches.id} = ${id}`, { epoch: sql`${batches.epoch} + 1`, cursorLine: 0 });
  }

  look(id: string, epoch: number): Promise<BatchRow | undefined> {
    return this.database.use(async (db) => {
      const [row] = await db.select().from(batches).where(mine(id, epoch));
      return row;
    });
  }

  validated(id: string, epoch: number, total: number, nowMs: number): Promise<BatchRow | undefined> {
    return this.change(and(mine(id, epoch), eq(batches.status, 'validating')), {
      status: 'in_progress',
      total,
      inProgressAtMs: nowMs,
    });
  }

  /** The file is no batch. */
  refused(id: string, epoch: number, errors: readonly InputProblem[], nowMs: number): Promise<BatchRow | undefined> {
    return this.change(and(mine(id, epoch), eq(batches.status, 'validating')), {
      status: 'failed',
      errors,
      endedAtMs: nowMs,
    });
  }

  /** Lines up to this one are jobs. Records of those that end from now on are freed when their result is written. */
  advance(id: string, epoch: number, cursorLine: number): Promise<BatchRow | undefined> {
    return this.change(mine(id, epoch), { cursorLine });
  }

  /** All lines that will run have. A batch that is being cancelled stays so until it is. */
  finalizing(id: string, epoch: number, nowMs: number): Promise<BatchRow | undefined> {
    const status = sql<BatchStatus>`case when ${batches.status} = 'in_progress' then 'finalizing' else ${batches.status} end`;
    return this.change(mine(id, epoch), {
      status,
      finalizingAtMs: sql`coalesce(${batches.finalizingAtMs}, ${nowMs})`,
    });
  }

  /** The terminal state, once, with its files; the lines stand in them and go. */
  finish(id: string, epoch: number, end: BatchEnd): Promise<BatchRow | undefined> {
    const { status, problem, endedAtMs, output, errors, unrun } = end;
    const written = [output, errors].filter((file) => file !== undefined);
    const counted = status === 'cancelled' ? 'cancelled' : 'expired';
    return this.database.use((db) =>
      db.transaction(async (tx) => {
        const [row] = await tx
          .update(batches)
          .set({
            status,
            endedAtMs,
            outputFileId: output?.id ?? null,
            errorFileId: errors?.id ?? null,
            ...(problem === undefined ? {} : { errors: [problem] }),
            [counted]: sql`${batches[counted]} + ${unrun}`,
          })
          .where(and(mine(id, epoch), inArray(batches.status, ['finalizing', 'cancelling'])))
          .returning();
        if (row === undefined) return undefined;
        if (written.length > 0) await tx.insert(files).values(written).onConflictDoNothing();
        await tx.delete(batchLines).where(eq(batchLines.batchId, id));
        return row;
      }),
    );
  }

  async announced(id: string): Promise<void> {
    await this.database.use((db) => db.update(batches).set({ isAnnounced: true }).where(eq(batches.id, id)));
  }

  private change(
    where: SQL | undefined,
    values: Partial<Record<keyof BatchRow, unknown>>,
  ): Promise<BatchRow | undefined> {
    return this.database.use(async (db) => {
      const [row] = await db
        .update(batches)
        .set(values as Partial<BatchRow>)
        .where(where)
        .returning();
      return row;
    });
  }
}

const mine = (id: string, epoch: number): SQL | undefined => and(eq(batches.id, id), eq(batches.epoch, epoch));
