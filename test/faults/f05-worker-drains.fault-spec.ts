import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';

describe('SIGTERM (F5, F6)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('lets a worker hand unfinished jobs back in its drain time; another runs them within 2 s', async () => {
    cluster.simulator.setProfile('only', {
      latency: { p50: 20_000, p95: 20_001, p99: 20_002 },
      answer: { tokens: 10 },
    });
    const leaving = await cluster.worker({ SLUICE_DRAIN_MS: '1000' });
    const calls = Array.from({ length: 40 }, (_, i) => callOnce(api.origin, `d${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === 40, { withinMs: 10_000, what: 'all to be called' });
    await cluster.worker();
    cluster.simulator.setProfile('only', { answer: { tokens: 10 } });

    const toldAt = performance.now();
    expect(await leaving.end('SIGTERM')).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(1_000 + 2_000);
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((o) => o.kind !== 'answer')).toEqual([]);
    expect(performance.now() - toldAt).toBeLessThan(1_000 + 2_000 + 2_000);
  }, 60_000);

  it('lets an api finish what it can and end the rest with a clear error; it is unready at once', async () => {
    const second = await cluster.api({ SLUICE_DRAIN_MS: '2000' });
    cluster.simulator.setProfile('only', { latency: { p50: 1_000, p95: 1_001, p99: 1_002 }, answer: { tokens: 10 } });
    const quick = Array.from({ length: 10 }, (_, i) => callOnce(second.origin, `q${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === 10, { withinMs: 10_000, what: 'ten calls' });
    cluster.simulator.setProfile('only', {
      latency: { p50: 6_000, p95: 6_001, p99: 6_002 },
      answer: { tokens: 10 },
    });
    const slow = Array.from({ length: 10 }, (_, i) => callOnce(second.origin, `s${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === 20, { withinMs: 10_000, what: 'twenty calls' });

    expect(await second.end('SIGTERM')).toBe(0);
    expect((await Promise.all(quick)).filter((o) => o.kind !== 'answer')).toEqual([]);
    expect((await Promise.all(slow)).map((o) => o.code)).toEqual(Array(10).fill('shutting_down'));
  }, 60_000);
});
