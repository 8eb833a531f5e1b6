import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bringUpToDate, LazyDatabase, openDatabase, StoreUnavailable } from '@sluice/store';
import pg from 'pg';
import { freshDatabase, OwnPostgres, type FreshDatabase } from '../support/own-postgres.js';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a database', () => {
  it('is brought up to date once, however many processes do it', async () => {
    const empty = await freshDatabase();
    const client = new pg.Client(empty.url);
    await client.connect();
    await client.query('drop schema sluice cascade; drop schema sluice_migrations cascade');
    await client.end();
    const [first, ...others] = (await Promise.all([1, 2, 3, 4].map(() => bringUpToDate(empty.url)))).toSorted(
      (a, b) => b - a,
    );
    expect(first).toBeGreaterThan(0);
    expect(others).toEqual([0, 0, 0]);
    expect(await empty.database.use((db) => db.execute('select id from sluice.job_history'))).toMatchObject({
      rows: [],
    });
    await empty.drop();
  });

  it('that nobody has migrated is refused with what would mend it', async () => {
    const old = await freshDatabase();
    const client = new pg.Client(old.url);
    await client.connect();
    await client.query('drop schema sluice_migrations cascade');
    await client.end();
    await expect(openDatabase(old.url, { migrates: false })).rejects.toThrow('run `sluice migrate`');
    await old.drop();
  });

  it('that cannot be reached is StoreUnavailable, without an address in the message', async () => {
    for (const url of ['postgres://u:secret@127.0.0.1:1/x', 'postgres://u@/x?host=/nonexistent', fresh.url + '_none']) {
      const error = await thrownBy(LazyDatabase.at(url).use((db) => db.execute('select 1')));
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as Error).message).toBe('The database cannot be reached. Try again in a moment.');
    }
    const none = await thrownBy(LazyDatabase.at(undefined).use((db) => db.execute('select 1')));
    expect((none as Error).message).toContain('set DATABASE_URL');
  });

  it("shows PostgreSQL's own error for what it refuses, never the parameters", async () => {
    const { sql } = await import('drizzle-orm');
    const error = await thrownBy(
      fresh.database.use((db) => db.execute(sql`select ${'whsec_secret'}::text, 1 / ${0}::int`)),
    );
    expect(error).toMatchObject({ code: '22012', message: 'division by zero' });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('whsec_secret');
  });

  it('that is killed is away, and is used again when it is back', async () => {
    const server = await new OwnPostgres().start();
    await bringUpToDate(server.url);
    const database = LazyDatabase.at(server.url);
    const ask = (): Promise<unknown> => database.use((db) => db.execute('select 1'));
    await ask();
    expect(database.isAway).toBe(false);
    await server.kill();
    expect(await thrownBy(ask())).toBeInstanceOf(StoreUnavailable);
    expect(database.isAway).toBe(true);
    await server.start();
    await ask();
    expect(database.isAway).toBe(false);
    await database.stop();
    await server.stop();
  });
});
