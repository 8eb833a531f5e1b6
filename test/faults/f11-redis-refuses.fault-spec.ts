import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { nativeJobs } from '../support/native-jobs.js';
import type { SluiceProcess } from '../support/sluice-process.js';

describe('a Redis that refuses writes while calls run (F11)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;
  let redis: Redis;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
    await cluster.worker();
    redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
  });
  afterAll(async () => {
    redis?.disconnect();
    await cluster?.stop();
  });

  const running = async (tag: string): Promise<ReturnType<typeof callOnce>[]> => {
    cluster.simulator.setProfile('only', { latency: { p50: 1_500, p95: 1_501, p99: 1_502 }, answer: { tokens: 20 } });
    const calls = Array.from({ length: 10 }, (_, i) => callOnce(api.origin, `${tag}${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === 10, { withinMs: 5_000, what: 'ten calls' });
    return calls;
  };

  it('at maxmemory: new calls are 503 storage_full, the running ones end well, reads and cancels go on, and all is well when there is room', async () => {
    const jobs = nativeJobs({ url: api.origin, group: cluster.group });
    const done = await jobs.submit({}, {}, { prefer: 'wait=20' });
    expect(done.body['status']).toBe('completed');
    const later = await jobs.submit({ not_before: Math.floor(Date.now() / 1_000) + 600 });
    const calls = await running('full');
    await redis.config('SET', 'maxmemory', '1mb');
    const refused = await callOnce(api.origin, 'new');
    expect(refused).toMatchObject({ status: 503, code: 'storage_full' });
    expect(await jobs.result(done.body['id'])).toMatchObject({ status: 200 });
    await jobs.cancel(later.body['id']);
    expect((await jobs.look(later.body['id'])).body['status']).toBe('cancelled');
    const outcomes = await Promise.all(calls);
    await redis.config('SET', 'maxmemory', '0');
    expect(outcomes.filter((o) => o.kind !== 'answer')).toEqual([]);
    const hasRoom = async () => (await callOnce(api.origin, 'room')).kind === 'answer';
    await eventually(hasRoom, { withinMs: 2_000, what: 'room to be seen' }); // looked at ten times a second at most
  }, 30_000);

  it('without the replicas that it wants: an answer that is there is written when they are back', async () => {
    const calls = await running('replicas');
    await redis.config('SET', 'min-replicas-to-write', '1');
    const refused = await callOnce(api.origin, 'new');
    expect(refused).toMatchObject({ status: 503, code: 'storage_unavailable' });
    await eventually(() => cluster.simulator.stats().inFlight === 0, {
      withinMs: 10_000,
      what: 'the provider to be done',
    });
    await redis.config('SET', 'min-replicas-to-write', '0');
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((o, i) => i % 2 === 0 && o.kind !== 'answer')).toEqual([]); // JSON
    expect(outcomes.filter((o) => o.kind === 'cut')).toEqual([]); // a stream whose tokens were refused says so
    expect((await callOnce(api.origin, 'back')).kind).toBe('answer');
  }, 40_000);
});
