import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const AWAY_MS = 5_000;

describe('Redis killed in the middle of load, and back after 5 s (F7)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
    await cluster.worker();
    await cluster.worker();
  });
  afterAll(() => cluster?.stop());

  it('refuses new calls within a second, answers every call it had accepted, and serves again within 5 s of its return', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 1_000, p95: 1_500, p99: 2_000 }, answer: { tokens: 10 } });
    const accepted: Promise<Outcome>[] = [];
    for (let i = 0; i < 100; i++) accepted.push(callOnce(api.origin, `before${i}`, { stream: i % 4 === 0 }));
    await eventually(() => cluster.simulator.stats().inFlight >= 50, { withinMs: 10_000, what: 'calls under way' });

    await cluster.redis.stop('SIGKILL');
    const refused = await Promise.all(Array.from({ length: 5 }, (_, i) => callOnce(api.origin, `away${i}`)));
    expect(refused.map((o) => o.code)).toEqual(Array(5).fill('storage_unavailable'));
    expect(Math.max(...refused.map((o) => o.tookMs))).toBeLessThan(1_000 + 200); // and the call's own way
    const ready = await fetch(`${api.origin}/readyz`);
    expect(ready.status).toBe(503);

    await new Promise((back) => setTimeout(back, AWAY_MS)); // the length of the outage is what is tested
    cluster.simulator.setProfile('only', { answer: { tokens: 10 } });
    await cluster.redis.start();
    const returnedAt = performance.now();
    await eventually(async () => (await callOnce(api.origin, 'probe')).kind === 'answer', {
      withinMs: 6_000,
      what: 'the first answer after its return',
    });
    expect(performance.now() - returnedAt).toBeLessThan(5_000);

    const outcomes = await Promise.all(accepted);
    await eventually(() => cluster.simulator.stats().inFlight === 0, { withinMs: 10_000, what: 'the last run to end' });
    const isRefusal = (o: Outcome): boolean => o.kind === 'error' && o.code === 'storage_unavailable';
    expect(outcomes.filter((o) => o.kind !== 'answer' && !isRefusal(o))).toEqual([]);
    const calls = outcomes.map((_, i) => providerCalls(cluster, `before${i}`));
    expect(Math.max(...calls)).toBeLessThanOrEqual(2); // what was running runs once more
    // Whose acceptance was not confirmed is told so, and not served as well: no content, and nothing is run again for it.
    const refusedBefore = outcomes.flatMap((o, i) => (isRefusal(o) ? [{ text: o.text, again: calls[i]! > 1 }] : []));
    expect(refusedBefore).toEqual(refusedBefore.map(() => ({ text: '', again: false })));
    const away = Array.from({ length: 5 }, (_, i) => providerCalls(cluster, `away${i}`));
    expect(away).toEqual(Array(5).fill(0));
  }, 60_000);
});

const providerCalls = (cluster: Cluster, tag: string): number =>
  cluster.simulator.requests().filter(({ body }) => JSON.stringify(body).includes(`call ${tag}.`)).length;
