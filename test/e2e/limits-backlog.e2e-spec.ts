import { describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

/** How often the jobs of these answers were started, by their records. */
async function startsOf(responses: readonly Response[], { group }: PlayedSluice): Promise<number> {
  const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  const epochs = responses.map((r) => redis.hget(`{sluice:${group}}:job:${r.headers.get('x-sluice-job-id')}`, 'epoch'));
  const starts = (await Promise.all(epochs)).reduce((sum, epoch) => sum + Number(epoch), 0);
  redis.disconnect();
  return starts;
}

describe('more calls than a provider takes', () => {
  const CALLS = 120;

  it('all are answered, in about the order they came, and a closed provider is left alone', async () => {
    const limits = { rpm: 30, windowMs: 1_500, retryAfter: 'ms' };
    const scripts = { only: { limits, latency: { p50: 20 } } };
    await withSluice([{ profile: 'only' }], { scripts, workers: 2 }, async (sluice) => {
      const { call, callsTo } = sluice;
      const answered: number[] = [];
      const responses = await Promise.all(
        Array.from({ length: CALLS }, async (_, i) => {
          const response = await call({});
          answered.push(i);
          return response;
        }),
      );
      expect(responses.map((r) => r.status)).toEqual(Array.from({ length: CALLS }, () => 200));

      const calls = callsTo('only');
      const refused = calls.filter(({ status }) => status === 429);
      expect(refused.every(({ retryAfterMs }) => retryAfterMs! <= 1_500)).toBe(true);
      expect(calls.length).toBe(CALLS + refused.length); // nothing but 429s was tried again
      // The first burst finds out; then each opening is tried by few at first, and twice as many each time.
      const [opened] = refused.map(({ atMs }) => atMs);
      const later = refused.filter(({ atMs }) => atMs > opened! + 1_500);
      expect(later.length).toBeLessThan(CALLS);
      expect(await startsOf(responses, sluice)).toBeLessThan(6 * CALLS);

      const places = answered.map((i, place) => Math.abs(i - place));
      const meanShift = places.reduce((sum, shift) => sum + shift, 0) / CALLS;
      expect(meanShift).toBeLessThan(CALLS / 4); // a random order would be off by a third
    });
  });

  it('our own limit lets exactly as many through, and nobody is refused by the provider', async () => {
    const scripts = { only: { limits: { concurrency: 4 }, latency: { p50: 20 } } };
    const lone = [{ profile: 'only', params: 'max_parallel_requests: 4' }];
    await withSluice(lone, { scripts, workers: 2 }, async (sluice) => {
      const startedMs = performance.now();
      const responses = await Promise.all(Array.from({ length: CALLS }, () => sluice.call({})));
      expect(performance.now() - startedMs).toBeLessThan(8_000);
      expect(responses.map((r) => r.status)).toEqual(Array.from({ length: CALLS }, () => 200));
      expect(sluice.callsTo('only')).toHaveLength(CALLS); // no 429 at all
      expect(sluice.simulator.stats().maxInFlight).toBe(4);
    });
  });
});

describe('a job that goes back to the backlog', () => {
  it('remembers what it has tried', async () => {
    const pair = [
      { profile: 'broken', params: 'order: 1' },
      { profile: 'full', params: 'order: 2' },
    ];
    const scripts = {
      broken: { rules: [{ do: { kind: 'auth' } }] },
      full: { rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 1_500 } }], limits: { retryAfter: 'ms' } },
    };
    await withSluice(pair, { scripts }, async (sluice) => {
      const response = await sluice.call({});
      expect(response.status).toBe(200);
      expect(response.headers.get('x-litellm-attempted-retries')).toBe('2');
      expect(sluice.callsTo('broken')).toHaveLength(1);
      expect(sluice.callsTo('full')).toHaveLength(2);
      expect(await startsOf([response], sluice)).toBe(2);
    });
  });
});
