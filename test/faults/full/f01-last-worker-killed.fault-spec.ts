import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JobRecords } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { eventually } from '../../eventually.js';
import { callOnce, Cluster } from '../../support/cluster.js';
import type { SluiceProcess } from '../../support/sluice-process.js';

describe('the only worker killed, and no other there (F1)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], 'sluice: { outage_wait: 1 }');
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('is told to those who wait, as to those who come; a worker that comes later runs none of their jobs', async () => {
    const stall = { match: { stream: true, nth: [1] }, do: { stallAfter: 3 } };
    cluster.simulator.setProfile('only', { answer: { tokens: 10 }, rules: [stall, { do: { hang: true } }] });
    const worker = await cluster.worker();
    const begunStream = callOnce(api.origin, 'begun', { stream: true });
    await eventually(() => cluster.simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the stream' });
    const json = callOnce(api.origin, 'json');
    const stream = callOnce(api.origin, 'stream', { stream: true });
    await eventually(() => cluster.simulator.stats().inFlight === 3, { withinMs: 5_000, what: 'three calls' });

    const killedAt = performance.now();
    await worker.end('SIGKILL');
    expect(await Promise.all([json, stream])).toMatchObject([
      { status: 503, code: 'no_worker' },
      // Its head went out after 10 s, as it does whenever nothing has come by then.
      { kind: 'error', code: 'no_worker', text: '' },
    ]);
    const begun = await begunStream;
    expect(begun).toMatchObject({ kind: 'error', code: 'upstream_interrupted' });
    expect(begun.text).not.toBe('');
    expect(performance.now() - killedAt).toBeLessThan(25_000);

    cluster.simulator.setProfile('only', { answer: { tokens: 10 } });
    await cluster.worker();
    expect(await callOnce(api.origin, 'later')).toMatchObject({ kind: 'answer' });
    const redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
    const areOver = async (): Promise<boolean> => (await new JobRecords(redis).unfinished(cluster.group)) === 0;
    await eventually(areOver, { withinMs: 20_000, what: 'all jobs to be over' });
    redis.disconnect();
    expect(cluster.simulator.requests().length).toBe(4);
  }, 90_000);
});
