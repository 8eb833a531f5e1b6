import { openRedis } from '@sluice/state';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { callOnce, Cluster } from '../../support/cluster.js';
import { tell } from '../../support/full-size.js';
import { LossyLink } from '../../support/lossy-link.js';
import type { SluiceProcess } from '../../support/sluice-process.js';

const LASTS_MS = 10 * 60_000;
const AT_A_TIME = 40;

describe('a Redis 200 ms away that loses a tenth of what is sent, for ten minutes (F12)', () => {
  let cluster: Cluster;
  let link: LossyLink;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    link = await new LossyLink(cluster.redis.url, Math.random).start();
    api = await cluster.api({ REDIS_URL: link.url });
    await cluster.worker({ REDIS_URL: link.url });
    await cluster.worker({ REDIS_URL: link.url });
  });
  afterAll(async () => {
    link?.stop();
    await cluster?.stop();
  });

  it(
    'is no storm of stalls: less than one in a thousand calls is run twice, and each has its one outcome',
    async () => {
      cluster.simulator.setProfile('only', { answer: { tokens: 10 }, latency: { p50: 500 } });
      link.stretchTo(200, 0.1);
      const endAt = performance.now() + LASTS_MS;
      let calls = 0;
      /** A command that took longer than a second: the caller is told, and may repeat the call. */
      let refused = 0;
      const unlike: unknown[] = [];
      const callOn = async (caller: number): Promise<void> => {
        for (let i = 0; performance.now() < endAt; i++) {
          calls++;
          const { kind, code } = await callOnce(api.origin, `f12-${caller}-${i}`, { stream: i % 4 === 0 });
          if (code === 'storage_unavailable') refused++;
          else if (kind !== 'answer') unlike.push([kind, code]);
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, (_, caller) => callOn(caller)));
      link.stretchTo(0, 0);
      const asked = cluster.simulator.requests().length;
      tell('F12', { minutes: LASTS_MS / 60_000, calls, refused, asked });
      expect(asked - (calls - refused)).toBeLessThanOrEqual(calls / 1_000);
      expect(unlike).toEqual([]);
      expect(refused).toBeLessThanOrEqual(calls / 1_000);

      const redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
      expect(await redis.llen(`{sluice:${cluster.group}}:inference:active`)).toBe(0);
      redis.disconnect();
    },
    LASTS_MS + 120_000,
  );
});
