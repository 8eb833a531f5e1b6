import { describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { MASTER_KEY } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const env = { SLUICE_WORKER_CONCURRENCY: '1' };
const slow = { scripts: { only: { latency: { p50: 60 }, answer: { tokens: 2 } } }, env };

/** Runs the story with a look at how many calls wait. */
async function whileCalls<T>(sluice: PlayedSluice, story: (waiting: () => Promise<number>) => Promise<T>): Promise<T> {
  const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  try {
    return await story(async () => Number(await redis.hget(`{sluice:${sluice.group}}:pace`, 'jobs')));
  } finally {
    redis.disconnect();
  }
}

describe('calls beyond what a model can serve', () => {
  it.each([
    ['x-sluice-tenant', {}, { 'x-sluice-tenant': 'few' }],
    ['x-sluice-priority: high', {}, { 'x-sluice-priority': 'high' }],
    ['priority: 0 in the body', { priority: 0 }, {}],
    ['service_tier: priority', { service_tier: 'priority' }, {}],
  ])('with %s are not behind all that came before', async (_, body, headers: Record<string, string>) => {
    await withSluice([{ profile: 'only' }], slow, (sluice) =>
      whileCalls(sluice, async (waiting) => {
        const done: string[] = [];
        const call = async (who: string, more: object, heads: Record<string, string>): Promise<void> => {
          const response = await sluice.call({ ...more }, heads);
          expect(response.status).toBe(200);
          done.push(who);
        };
        const crowd = Array.from({ length: 6 }, () => call('crowd', {}, {}));
        await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the first' });
        crowd.push(...Array.from({ length: 24 }, () => call('crowd', {}, {})));
        await eventually(async () => (await waiting()) >= 15, { withinMs: 5_000, what: 'a crowd that waits' });
        const before = done.length;
        const few = [0, 1, 2].map(() => call('few', body, headers));
        await Promise.all([...crowd, ...few]);
        expect(done.lastIndexOf('few') - before).toBeLessThan(12); // of 15 and more that waited
      }),
    );
  });

  it('wait up to the bound of their tenant; beyond it they are 429 queue_full, and other tenants are not', async () => {
    const yaml = 'sluice: {max_queued_jobs_per_tenant: 4, tenant_weights: {other: 2}}';
    await withSluice([{ profile: 'only' }], { ...slow, yaml }, (sluice) =>
      whileCalls(sluice, async (waiting) => {
        const crowd = Array.from({ length: 6 }, () => sluice.call({}));
        await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the first' });
        crowd.push(...Array.from({ length: 12 }, () => sluice.call({})));
        await eventually(async () => (await waiting()) >= 2, { withinMs: 5_000, what: 'some to wait' });
        const other = sluice.call({}, { 'x-sluice-tenant': 'other' });
        const responses = await Promise.all(crowd);
        const refused = responses.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(0);
        expect(responses.filter(({ status }) => status === 200)).toHaveLength(18 - refused.length);
        expect((await other).status).toBe(200);
        const [first] = refused;
        expect(Number(first!.headers.get('retry-after-ms'))).toBeGreaterThan(0);
        expect(first!.headers.get('x-should-retry')).toBe('true');
        const { error } = (await first!.json()) as { error: { code: string; message: string } };
        expect(error.code).toBe('queue_full');
        expect(error.message).toContain('You have as many calls in the queue');
      }),
    );
  });

  it('wait up to the bound in bytes', async () => {
    const yaml = 'sluice: {max_queued_mb: 0.01}';
    await withSluice([{ profile: 'only' }], { ...slow, yaml }, (sluice) =>
      whileCalls(sluice, async (waiting) => {
        const crowd = Array.from({ length: 6 }, () => sluice.call({}));
        await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the first' });
        crowd.push(...Array.from({ length: 8 }, () => sluice.call({})));
        await eventually(async () => (await waiting()) >= 3, { withinMs: 5_000, what: 'some to wait' });
        const response = await sluice.call({ messages: [{ role: 'user', content: 'x'.repeat(12_000) }] });
        const { error } = (await response.json()) as { error: { code: string; message: string } };
        expect(response.status).toBe(429);
        expect(error).toMatchObject({ code: 'queue_full', message: expect.stringContaining('is full') });
        expect((await Promise.all(crowd)).map(({ status }) => status)).toEqual(crowd.map(() => 200));
      }),
    );
  });

  it('are shown by GET /v1/queues, with who waits', async () => {
    await withSluice([{ profile: 'only' }], slow, async (sluice) => {
      const get = (path: string, key = MASTER_KEY): Promise<Response> =>
        fetch(`${sluice.url}/v1/queues${path}`, { headers: { authorization: `Bearer ${key}` } });
      const crowd = Array.from({ length: 6 }, () => sluice.call({}));
      await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the first' });
      for (const tenant of ['a', 'b']) {
        crowd.push(...Array.from({ length: 12 }, () => sluice.call({}, { 'x-sluice-tenant': tenant })));
      }
      interface Queue {
        waiting: number;
        active: number;
        oldest_wait_ms: number | null;
        tenants: { tenant: string; weight: number; waiting: number }[];
      }
      let seen: Queue | undefined;
      await eventually(
        async () => {
          seen = (await (await get(`/${sluice.group}`)).json()) as Queue;
          return seen.tenants.length >= 2;
        },
        { withinMs: 3_000, what: 'two tenants in line' },
      );
      expect(seen).toMatchObject({ group: sluice.group, paused: false, delayed: 0 });
      expect(seen!.waiting).toBeGreaterThan(4);
      expect(seen!.oldest_wait_ms).toBeGreaterThanOrEqual(0);
      expect(seen!.tenants.map(({ tenant }) => tenant)).toEqual(expect.arrayContaining(['a', 'b']));
      const { data } = (await (await get('')).json()) as { data: { group: string }[] };
      expect(data.map(({ group }) => group)).toEqual([sluice.group]);
      expect((await get('/none')).status).toBe(404);
      expect((await get('', 'sk-wrong')).status).toBe(401);
      expect((await Promise.all(crowd)).map(({ status }) => status)).toEqual(crowd.map(() => 200));
    });
  });
});
