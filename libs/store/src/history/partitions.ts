import { sql } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import type { Db } from '../open-database.js';

const DAY_MS = 86_400_000;
/** FAULTS and API 1.8: history is kept for 30 days. */
const KEPT_DAYS = 30;
const AHEAD_DAYS = 3;
/** Any number, as long as every process takes the same. */
const UPKEEP_LOCK = 5_177_011;

/**
 * Makes the partitions of today and the next days and drops those whose days are over. Cheap when there is nothing to do.
 * Safe to repeat; of several processes one does it.
 * @returns names of the partitions that were dropped
 */
export function keepPartitions(database: LazyDatabase, nowMs: number): Promise<string[]> {
  return database.use((db) =>
    db.transaction(async (tx) => {
      // Making and dropping wait for those who read, and everybody else then waits for us.
      await tx.execute(sql`set local lock_timeout = '2s'`);
      const { rows } = await tx.execute<{ mine: boolean }>(
        sql`select pg_try_advisory_xact_lock(${UPKEEP_LOCK}) as mine`,
      );
      return rows[0]!.mine ? keep(tx, Math.floor(nowMs / DAY_MS)) : [];
    }),
  );
}

async function keep(db: Pick<Db, 'execute'>, today: number): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(
    sql`select relname as name from pg_inherits join pg_class on oid = inhrelid
      where inhparent = 'sluice.job_history'::regclass`,
  );
  const there = new Set(rows.map(({ name }) => name));
  for (let day = today; day <= today + AHEAD_DAYS; day++) {
    if (there.has(nameOf(day)) || (await isInDefault(db, day))) continue;
    await db.execute(
      sql.raw(`create table sluice.${nameOf(day)} partition of sluice.job_history
        for values from ('${startOf(day)}') to ('${startOf(day + 1)}')`),
    );
  }
  const oldest = nameOf(today - KEPT_DAYS);
  const over = [...there].filter((name) => /^job_history_\d{8}$/.test(name) && name < oldest);
  for (const name of over) await db.execute(sql.raw(`drop table sluice.${name}`));
  await db.execute(
    sql`delete from sluice.job_history_default where created_at < ${startOf(today - KEPT_DAYS)}::timestamptz`,
  );
  return over;
}

/** Rows that came before their partition stay where they are, and so does the rest of their day. */
async function isInDefault(db: Pick<Db, 'execute'>, day: number): Promise<boolean> {
  const { rows } = await db.execute(sql`
    select 1 from sluice.job_history_default
    where created_at >= ${startOf(day)}::timestamptz and created_at < ${startOf(day + 1)}::timestamptz limit 1`);
  return rows.length > 0;
}

/** Names sort by day. */
const nameOf = (day: number): string => `job_history_${startOf(day).slice(0, 10).replaceAll('-', '')}`;
const startOf = (day: number): string => new Date(day * DAY_MS).toISOString();
