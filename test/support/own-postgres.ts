import { randomBytes } from 'node:crypto';
import { bringUpToDate, LazyDatabase } from '@sluice/store';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../apps/cli/src/postgres/embedded-postgres.js';
import { temporaryFolder } from './sluice-process.js';

export interface FreshDatabase {
  /** For DATABASE_URL. */
  readonly url: string;
  readonly database: LazyDatabase;
  /** Closes `database` and drops it all, whoever is connected. */
  readonly drop: () => Promise<void>;
}

/** A database of the tests' PostgreSQL for one spec: all tables, no rows. */
export async function freshDatabase(server = process.env['DATABASE_URL']!): Promise<FreshDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(server, `create database ${name}`);
  const url = server.replace(/\/[^/?]*(?=\?|$)/, `/${name}`);
  await bringUpToDate(url);
  const database = LazyDatabase.at(url);
  return {
    url,
    database,
    drop: async () => {
      await database.stop();
      await asAdmin(server, `drop database ${name} with (force)`);
    },
  };
}

async function asAdmin(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** A PostgreSQL of the test's own, which it may kill and start again on the same files. */
export class OwnPostgres {
  private readonly dir = temporaryFolder();
  private server: EmbeddedPostgres | undefined;

  async start(): Promise<this> {
    this.server = await startEmbeddedPostgres(this.dir);
    return this;
  }

  get url(): string {
    return this.server!.url;
  }

  async kill(): Promise<void> {
    process.kill(this.server!.pid, 'SIGKILL');
    await this.server!.stop();
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }
}
