import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { connectionOf } from './database-url.js';

/** Any number, as long as every process that brings the tables up to date takes the same. */
const MIGRATION_LOCK = 5_177_010;

/**
 * Two rows of migrations, each with its own folder and its own table of what has been done. `generated` is drizzle-kit's,
 * from the `schema.ts` of the areas. `by_hand` has what drizzle-kit cannot say: partitions.
 */
const ROWS = [
  { folder: 'generated', table: 'generated' },
  { folder: 'by-hand', table: 'by_hand' },
] as const;

/** Beside our tables and not among them: generated migrations make that schema themselves. */
const NOTES = 'sluice_migrations';

/**
 * Makes and changes tables until they are what this program wants, one process at a time. Safe to repeat.
 * @returns how many migrations were run
 */
export async function bringUpToDate(url: string): Promise<number> {
  const client = new pg.Client({ ...connectionOf(url), application_name: 'sluice migrate' }); // no timeouts: an index takes what it takes
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]); // drizzle's migrate takes none; ends with the connection
    const db = drizzle(client);
    const before = await doneIn(db);
    for (const { folder, table } of rows()) {
      await migrate(db, { migrationsFolder: folder, migrationsTable: table, migrationsSchema: NOTES });
    }
    return (await doneIn(db)) - before;
  } finally {
    await client.end();
  }
}

/** Newer tables are well: they are only ever widened under programs that run (docs/operations.md). */
export async function isUpToDate(db: NodePgDatabase): Promise<boolean> {
  for (const { folder, table } of rows()) {
    const wanted = readMigrationFiles({ migrationsFolder: folder }).at(-1)?.folderMillis ?? 0;
    if ((await lastOf(db, table)) < wanted) return false;
  }
  return true;
}

async function doneIn(db: NodePgDatabase): Promise<number> {
  let done = 0;
  for (const { table } of rows()) {
    if (!(await exists(db, table))) continue;
    const { rows: counted } = await db.execute<{ n: number }>(sql`select count(*)::int as n from ${notes(table)}`);
    done += counted[0]!.n;
  }
  return done;
}

async function lastOf(db: NodePgDatabase, table: string): Promise<number> {
  if (!(await exists(db, table))) return 0;
  const { rows: found } = await db.execute<{ last: string | null }>(
    sql`select max(created_at)::text as last from ${notes(table)}`,
  );
  return Number(found[0]!.last ?? 0);
}

async function exists(db: NodePgDatabase, table: string): Promise<boolean> {
  const { rows: found } = await db.execute<{ there: boolean }>(
    sql`select to_regclass(${`${NOTES}.${table}`}) is not null as there`,
  );
  return found[0]!.there;
}

const notes = (table: string) => sql`${sql.identifier(NOTES)}.${sql.identifier(table)}`;

/** Those that have migrations yet. */
function rows(): { folder: string; table: string }[] {
  const migrations = migrationsFolder();
  return ROWS.map(({ folder, table }) => ({ folder: join(migrations, folder), table })).filter(({ folder }) =>
    existsSync(join(folder, 'meta', '_journal.json')),
  );
}

/** Looks upward, because the code runs from `libs/` in tests and from `dist/apps/<name>/` in production. */
function migrationsFolder(): string {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir)) {
    const candidate = join(dir, 'libs', 'store', 'migrations');
    if (existsSync(candidate)) return candidate;
  }
  throw new Error('libs/store/migrations was not found above the program; ship that folder with dist/.');
}
