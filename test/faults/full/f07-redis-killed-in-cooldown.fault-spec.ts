import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../eventually.js';
import { callOnce, Cluster } from '../../support/cluster.js';

const RETRY_AFTER_MS = 7_000;
const PAIR = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];

describe('Redis is killed in the middle of a cooldown (F7)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start(PAIR);
  });
  afterAll(() => cluster?.stop());

  it('and the cooldown holds to its end, for all workers', async () => {
    const { simulator, redis } = cluster;
    const api = await cluster.api();
    await Promise.all([cluster.worker(), cluster.worker()]);
    const limited = { kind: 'rate_limit', retryAfterMs: RETRY_AFTER_MS };
    simulator.setProfile('first', { rules: [{ times: 1, do: limited }], limits: { retryAfter: 'ms' } });
    expect((await callOnce(api.origin, 'learns')).kind).toBe('answer');
    await redis.stop('SIGKILL');
    await redis.start();

    const toFirst = () => simulator.requests({ profile: 'first' });
    let calls = 0;
    await eventually(
      async () => {
        await callOnce(api.origin, `after${calls++}`);
        return toFirst().length > 1;
      },
      { withinMs: 20_000, what: 'the first to be asked again' },
    );
    const [limitedAt, backAt] = toFirst().map(({ atMs }) => atMs);
    expect(backAt! - limitedAt!).toBeGreaterThanOrEqual(RETRY_AFTER_MS - 2);
    expect(backAt! - limitedAt!).toBeLessThan(RETRY_AFTER_MS + 3_000);
    expect(simulator.requests({ profile: 'second' }).length).toBeGreaterThan(5);
  }, 60_000);
});
