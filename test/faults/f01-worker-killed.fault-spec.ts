import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { sizeOf, tell } from '../support/full-size.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CALLS = sizeOf(200, 1_000);
const allAtOnce = { SLUICE_WORKER_CONCURRENCY: String(CALLS) };

describe(`a worker killed with ${CALLS} calls in its hands (F1)`, () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('leaves each caller with its one answer within 15 s, from the worker that takes over', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 20_000, p95: 20_001, p99: 20_002 } }); // none ends by itself
    const doomed = await cluster.worker(allAtOnce);
    const calls = Array.from({ length: CALLS }, (_, i) => callOnce(api.origin, `k${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === CALLS, {
      withinMs: 10_000,
      what: 'all to be called',
    });

    await cluster.worker(allAtOnce);
    cluster.simulator.setProfile('only', { answer: { tokens: 10 } });
    const killedAt = performance.now();
    await doomed.end('SIGKILL');
    const outcomes = await Promise.all(calls);
    const tookMs = performance.now() - killedAt;

    expect(outcomes.filter((o) => o.kind !== 'answer')).toEqual([]);
    expect(tookMs).toBeLessThan(15_000);
    tell('F1', { calls: CALLS, answeredWithinMs: Math.round(tookMs) });
    expect(cluster.simulator.requests().length).toBe(2 * CALLS); // the lost call, and one more
  }, 60_000);
});
