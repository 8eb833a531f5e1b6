import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { sizeOf, tell } from '../support/full-size.js';
import { mostIn } from '../support/most-in.js';

const JOBS = sizeOf(500, 10_000);
const RETRY_AFTER_MS = sizeOf(3_000, 30_000);
const CONCURRENCY = 20;
const A_SECOND = 100;
// No attempt to spare: a 429 that used one would be seen by its caller.
const YAML = 'router_settings: {num_retries: 0}';

describe(`${JOBS} calls for a lone deployment that answers 429 for ${RETRY_AFTER_MS} ms (F18)`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], YAML);
  });
  afterAll(() => cluster?.stop());

  it('leave it alone meanwhile, use no attempt, and go on within 2 s of its reset, hardly above its limit', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    const env = { SLUICE_WORKER_CONCURRENCY: String(CONCURRENCY / 2) };
    await Promise.all([cluster.worker(env), cluster.worker(env)]);
    const limited = { kind: 'rate_limit', retryAfterMs: RETRY_AFTER_MS };
    simulator.setProfile('only', { rules: [{ do: limited }], limits: { retryAfter: 'ms' } });
    const calls = Array.from({ length: JOBS }, (_, i) => callOnce(api.origin, `s${i}`, { stream: i % 2 === 1 }));
    await eventually(() => simulator.requests().length > 0, { withinMs: 30_000, what: 'the first 429' });
    const firstAt = simulator.requests()[0]!.atMs;
    await eventually(() => Date.now() > firstAt + RETRY_AFTER_MS - 200, {
      withinMs: RETRY_AFTER_MS + 2_000,
      what: 'its Retry-After',
    });
    const blocked = simulator.requests().length;
    expect(blocked).toBeLessThanOrEqual(CONCURRENCY);
    const lastAt = Math.max(...simulator.requests().map(({ atMs }) => atMs));
    simulator.setProfile('only', {
      limits: { rpm: A_SECOND, windowMs: 1_000, window: 'sliding', retryAfter: 'ms' },
      answer: { tokens: 3 },
    });

    const outcomes = await Promise.all(calls);
    expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    const after = simulator.requests().slice(blocked);
    expect(after[0]!.atMs).toBeGreaterThanOrEqual(firstAt + RETRY_AFTER_MS - 2);
    expect(after[0]!.atMs).toBeLessThan(lastAt + RETRY_AFTER_MS + 2_000);
    const times = after.map(({ atMs }) => atMs);
    expect(mostIn(1_000, times)).toBeLessThanOrEqual(1.2 * A_SECOND);
    const resumedAfterMs = after[0]!.atMs - firstAt - RETRY_AFTER_MS;
    tell('F18', { calls: JOBS, whileBlocked: blocked, resumedAfterMs, mostInASecond: mostIn(1_000, times) });
  }, 300_000);
});
