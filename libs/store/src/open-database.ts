import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { connectionOf } from './database-url.js';
import { bringUpToDate, isUpToDate } from './migrations.js';
import { StoreUnavailable } from './store-unavailable.js';

export type Db = NodePgDatabase;

export interface Database {
  db: Db;
  /** True when the server will not come back by itself. Absent: it may, and the pool connects anew. */
  isLost?: () => boolean;
  stop(): Promise<void>;
}

/** Several processes share the 100 connections of a usual server. */
const MOST_CONNECTIONS = 8;
/** Of a caller who waits: for a connection, made or given back. */
const CONNECTED_WITHIN_MS = 5_000;
/** The server gives a statement up; the client, where the server says nothing any more. */
const STATEMENT_MS = 15_000;
const SILENCE_MS = 17_000;

/**
 * Opens PostgreSQL.
 * @param url `postgres://…`; a Unix socket is `postgres://user@/database?host=<folder of the socket>`
 * @param migrates Brings the tables up to date first. Else they must be: `sluice migrate` does it, once for all processes.
 * @throws StoreUnavailable when the tables are older than this program; what pg throws when it cannot be reached
 */
export async function openDatabase(url: string, { migrates }: { migrates: boolean }): Promise<Database> {
  const pool = new pg.Pool({
    ...connectionOf(url),
    application_name: 'sluice',
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECTED_WITHIN_MS,
    idleTimeoutMillis: 30_000,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    // Not an option of the pool: those travel in the first packet, and PgBouncer refuses what it does not know there.
    onConnect: (client) => client.query(`set statement_timeout = ${STATEMENT_MS}`) as unknown as void, // awaited
  });
  // An idle connection broke. Without a listener that ends the process; the query that needs one says it better.
  pool.on('error', () => undefined);
  try {
    if (migrates) await bringUpToDate(url);
    else if (!(await isUpToDate(drizzle(pool)))) {
      throw new StoreUnavailable('The database is older than this version of Sluice: run `sluice migrate`.');
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  return { db: drizzle(pool), stop: () => pool.end() };
}
