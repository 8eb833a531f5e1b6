import { openRedis } from '@sluice/state';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CALLS = 20;

describe('a worker killed when an outcome is written down and BullMQ does not know it yet (F3)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('has asked the provider once for that call, and the next worker does not ask again', async () => {
    // An answer goes to Redis in one write with BullMQ's completion; it is an error's record that is awaited first.
    cluster.simulator.setProfile('only', { rules: [{ do: { kind: 'bad_request' } }] });
    const doomed = await cluster.worker({ NODE_ENV: 'test', SLUICE_FAILPOINTS: `finish.recorded=kill@${CALLS}` });
    for (let i = 0; i < CALLS; i++) await callOnce(api.origin, `f3-${i}`, { stream: i % 2 === 1 });
    expect(await doomed.end()).toBe('SIGKILL');

    const redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
    const active = `{sluice:${cluster.group}}:inference:active`;
    expect(await redis.llen(active)).toBe(1);
    await cluster.worker();
    await eventually(async () => (await redis.llen(active)) === 0, {
      withinMs: 40_000,
      what: 'BullMQ to let go of it',
    });
    redis.disconnect();
    expect(cluster.simulator.requests()).toHaveLength(CALLS);
  }, 60_000);
});
