import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HistoryWriter, keepPartitions } from '@sluice/store';
import type { LedgerEntry } from '@sluice/wire';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { acceptedEntry, durableJob, endedEntry, overEntry } from '../support/ledger-entries.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';

let fresh: FreshDatabase;
let errors: Error[] = [];
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const writer = (nowMs = Date.now): HistoryWriter => {
  errors = [];
  const onError = (error: Error): unknown => errors.push(error);
  return new HistoryWriter(fresh.database, { nowMs, onError, onDropped: () => undefined });
};
type Row = Record<string, unknown>;
const rowOf = async (jobId: string): Promise<Row | undefined> =>
  (await fresh.database.use((db) => db.execute<Row>(sql`select * from sluice.job_history where id = ${jobId}`)))
    .rows[0];
const partitions = async (): Promise<string[]> =>
  (
    await fresh.database.use((db) =>
      db.execute<{ name: string }>(
        sql`select relname as name from pg_inherits join pg_class on oid = inhrelid where inhparent = 'sluice.job_history'::regclass order by 1`,
      ),
    )
  ).rows.map(({ name }) => name);

describe('the history', () => {
  it('says the same of a job in whatever order, batches and repeats its entries come', async () => {
    const history = writer();
    const order = fc.array(fc.tuple(fc.constantFrom('accepted', 'over', 'late', 'dismissed', 'erased'), fc.boolean()), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(order, async (steps) => {
        const accepted = acceptedEntry(durableJob({ metadata: { team: 'a' } }));
        const entries: Record<string, LedgerEntry> = {
          accepted,
          over: overEntry(accepted, 'failed', 'provider_error'),
          late: overEntry(accepted, 'failed', 'provider_error'),
          dismissed: endedEntry('dismissed', accepted),
          erased: endedEntry('erased', accepted),
        };
        let batch: LedgerEntry[] = [];
        for (const [step, isEnd] of steps) {
          batch.push(entries[step]!);
          if (isEnd) await history.append('g', batch.splice(0));
        }
        if (batch.length > 0) await history.append('g', batch);
        const seen = new Set(steps.map(([step]) => step));
        const row = await rowOf(accepted.jobId);
        const status = seen.has('erased') ? 'erased' : seen.has('over') || seen.has('late') ? 'failed' : null;
        expect(row).toMatchObject({ status, metadata: status === 'erased' ? {} : { team: 'a' } });
        expect(row!['dismissed']).toBe(seen.has('dismissed'));
        expect(row!['error_code']).toBe(status === 'failed' ? 'provider_error' : null);
      }),
      { numRuns: 60 },
    );
    expect(errors).toEqual([]);
  });

  it('takes text that PostgreSQL does not, and holds no address or secret of a callback', async () => {
    const metadata = { 'a\0b': 'x\0\ud800y', [`"'\\u0000`]: 'z' };
    const webhook = { url: 'https://hooks.example/secret-path', secret: 'whsec_c2VjcmV0' };
    const accepted = acceptedEntry(durableJob({ metadata, webhook, model: 'm\0odel' }));
    await writer().append('g', [accepted]);
    const row = await rowOf(accepted.jobId);
    expect(row).toMatchObject({ model: 'model', metadata: { ab: 'x\ufffdy', [`"'\\u0000`]: 'z' } });
    expect(JSON.stringify(row)).not.toMatch(/whsec_|secret-path/);
    expect(errors).toEqual([]);
  });

  it('leaves out one row that cannot be kept, and keeps those beside it', async () => {
    const entries = Array.from({ length: 9 }, () => acceptedEntry(durableJob()));
    const bad = acceptedEntry(durableJob({ createdAtMs: 9e18 }), 'job_bad');
    await writer().append('g', [...entries.slice(0, 4), bad, ...entries.slice(4)]);
    for (const { jobId } of entries) expect(await rowOf(jobId)).toBeDefined();
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(/^job_bad cannot be kept/)]);
  });

  it('has its partitions made ahead and dropped after 30 days, with all their rows', async () => {
    const day = 86_400_000;
    const now = Date.UTC(2031, 4, 10, 12);
    await Promise.all([1, 2, 3].map(() => keepPartitions(fresh.database, now))); // of several processes, and again
    const made = ['20310510', '20310511', '20310512', '20310513'].map((name) => `job_history_${name}`);
    expect(await partitions()).toEqual(expect.arrayContaining(made));
    const [young, old, stray] = [now, now - 10 * day, now - 40 * day].map((createdAtMs) =>
      acceptedEntry(durableJob({ createdAtMs })),
    );
    await writer(() => now).append('g', [young!, old!, stray!]);

    expect(await keepPartitions(fresh.database, now + 30 * day)).toEqual([]);
    expect(await rowOf(young!.jobId)).toBeDefined();
    expect(await rowOf(stray!.jobId)).toBeUndefined(); // came too late for a partition of its own
    expect(await keepPartitions(fresh.database, now + 32 * day)).toEqual([
      'job_history_20310510',
      'job_history_20310511',
    ]);
    expect(await rowOf(young!.jobId)).toBeUndefined();
  });
});
