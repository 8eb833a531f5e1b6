import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { tell } from '../support/full-size.js';
import { losePower, nothingConfirmedIsLost } from '../support/power-loss.js';
import type { SluiceProcess } from '../support/sluice-process.js';

describe('a host that loses its power, with strict durability on a Redis that syncs each write (F8)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    const redis = { appendfsync: 'always' } as const;
    cluster = await new Cluster(redis).start([{ profile: 'only' }], 'sluice: { durability: strict }');
    [api] = await Promise.all([cluster.api(), cluster.worker()]);
  }, 60_000);
  afterAll(() => cluster?.stop());

  it('loses no job that was confirmed and no result that was told', async () => {
    cluster.simulator.setProfile('only', { answer: { tokens: 10 }, latency: { p50: 100 } });
    const loss = await losePower(cluster, api, { afterMs: 1_000 + Math.random() * 500, how: 'always', submitters: 8 });
    expect(loss.accepted.length).toBeGreaterThan(20);
    await nothingConfirmedIsLost(api, loss, 30_000);
    const { accepted, told, lostBytes } = loss;
    tell('F8, strict by always', { accepted: accepted.length, told: told.size, lostBytes, lost: 0 });
  }, 60_000);
});
