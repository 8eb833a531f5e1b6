import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from '../../support/cluster.js';
import { tell } from '../../support/full-size.js';
import { losePower, nothingConfirmedIsLost } from '../../support/power-loss.js';
import { serverWithWaitaof } from '../../support/server-with-waitaof.js';
import type { SluiceProcess } from '../../support/sluice-process.js';

const TIMES = 3;

describe('a host that loses its power, with strict durability on a Redis that syncs once a second (F8)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    const redis = { program: serverWithWaitaof(), appendfsync: 'everysec' } as const;
    cluster = await new Cluster(redis).start([{ profile: 'only' }], 'sluice: { durability: strict }');
    [api] = await Promise.all([cluster.api(), cluster.worker()]);
  }, 60_000);
  afterAll(() => cluster?.stop());

  it('loses no job that was confirmed and no result that was told', async () => {
    cluster.simulator.setProfile('only', { answer: { tokens: 10 }, latency: { p50: 100 } });
    for (let time = 0; time < TIMES; time++) {
      const loss = await losePower(cluster, api, {
        afterMs: 3_000 + Math.random() * 1_000,
        how: 'waitaof',
        submitters: 60,
      });
      expect(loss.accepted.length).toBeGreaterThan(60);
      await nothingConfirmedIsLost(api, loss, 60_000);
      const { accepted, told, lostBytes } = loss;
      tell('F8, strict by WAITAOF', { accepted: accepted.length, told: told.size, lostBytes, lost: 0 });
    }
  }, 240_000);
});
