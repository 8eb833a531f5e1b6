import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bringUpToDate } from '@sluice/store';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { nativeJobs, type Reply } from '../support/native-jobs.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const JOBS = 150;

describe('PostgreSQL killed under load, and back', () => {
  const postgres = new OwnPostgres();
  let cluster: Cluster;
  let api: SluiceProcess;
  let jobs: ReturnType<typeof nativeJobs>;

  beforeAll(async () => {
    await postgres.start();
    await bringUpToDate(postgres.url);
    cluster = await new Cluster().start([{ profile: 'only' }]);
    const env = { DATABASE_URL: postgres.url };
    api = await cluster.api(env);
    await cluster.worker(env);
    await cluster.worker(env, ['--roles', 'ledger']);
    jobs = nativeJobs({ url: api.origin, group: cluster.group });
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    await postgres.stop();
  });

  const list = (query: string): Promise<Reply> => jobs.send('GET', `/v1/jobs?${query}`);
  const ready = async (): Promise<unknown> => (await fetch(`${api.origin}/readyz`)).json();
  const submitMany = async (count: number): Promise<string[]> => {
    const submitted = await Promise.all(Array.from({ length: count }, () => jobs.submit()));
    expect(submitted.map(({ status }) => status)).toEqual(Array(count).fill(202));
    return submitted.map(({ body }) => body['id'] as string);
  };
  async function listed(): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    let count = 0;
    for (let after = '', more = true; more;) {
      const { body, status } = await list(`limit=100${after}`);
      expect(status).toBe(200);
      for (const { id, status: state } of body['data'] as { id: string; status: string }[]) all[id] = state;
      count += (body['data'] as unknown[]).length;
      [more, after] = [body['has_more'] as boolean, `&after=${body['last_id'] as string}`];
    }
    expect(Object.keys(all)).toHaveLength(count); // each once
    return all;
  }

  it('calls and jobs go on, lists say 503 meanwhile, and nothing is missing after', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 50 }, answer: { tokens: 5 } });
    const ids = await submitMany(JOBS);
    await eventually(async () => (await list('limit=1')).status === 200, { withinMs: 10_000, what: 'the list' });
    const killed = postgres.kill(); // in the middle of their ends
    ids.push(...(await submitMany(JOBS)));
    await killed;

    ids.push(...(await submitMany(JOBS)));
    const ended = await Promise.all(ids.map((id) => jobs.ended(id)));
    expect(new Set(ended.map(({ body }) => body['status']))).toEqual(new Set(['completed']));
    expect((await callOnce(api.origin, 'plain')).kind).toBe('answer');
    const refused = await list('');
    expect([refused.status, refused.body['error'].code]).toEqual([503, 'storage_unavailable']);
    expect(await ready()).toEqual({ status: 'ready', degraded: 'no_database' });

    await postgres.start();
    await eventually(async () => (await list('limit=1')).status === 200, { withinMs: 15_000, what: 'the list again' });
    const completed = Object.fromEntries(ids.map((id) => [id, 'completed']));
    await eventually(async () => Object.keys(await listed()).length === ids.length, {
      withinMs: 40_000, // what a reader had in hand is taken over by others after 30 s
      what: 'the history to have all',
    });
    expect(await listed()).toEqual(completed);
    await eventually(async () => (await list('status=completed&limit=1')).body['has_more'] === true, {
      withinMs: 5_000,
      what: 'ends',
    });
    await eventually(async () => JSON.stringify(await ready()) === '{"status":"ready"}', {
      withinMs: 5_000,
      what: '/readyz to be well again',
    });
  }, 120_000);
});
