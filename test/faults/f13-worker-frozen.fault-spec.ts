import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CALLS = 20;
const FROZEN_MS = 25_000;

describe('a worker whose event loop stands still for 25 s (F13)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('loses its jobs to another, and what it then still says is refused: one outcome for each call', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 1_500, p95: 1_501, p99: 1_502 }, answer: { tokens: 10 } });
    const frozen = await cluster.worker();
    const calls = Array.from({ length: CALLS }, (_, i) => callOnce(api.origin, `z${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === CALLS, {
      withinMs: 10_000,
      what: 'all to be called',
    });
    frozen.kill('SIGSTOP'); // nothing of it runs, timers neither, and its sockets stay open
    const frozenAt = performance.now();
    await cluster.worker();

    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((o) => o.kind !== 'answer')).toEqual([]);
    await eventually(() => performance.now() - frozenAt > FROZEN_MS, { withinMs: 30_000, what: 'the 25 s' });
    frozen.kill('SIGCONT');
    await frozen.untilSaid(/job\.run_stopped|could not renew lock/, 20_000); // it heard that its runs are stale
    expect(cluster.simulator.requests().length).toBe(2 * CALLS); // no third call for any

    const after = await Promise.all(Array.from({ length: CALLS }, (_, i) => callOnce(api.origin, `after${i}`)));
    expect(after.filter((o) => o.kind !== 'answer')).toEqual([]);
  }, 90_000);
});
