import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../eventually.js';
import { callOnce, Cluster } from '../../support/cluster.js';

const WAITING = 10;
const LEASE_MS = 15_000;
const YAML = `router_settings: {allowed_fails: 0, cooldown_time: 1, num_retries: 0}
sluice: {outage_wait: 40}`;

describe('the worker that holds a half-open probe is killed (F20)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], YAML);
  });
  afterAll(() => cluster?.stop());

  it('the next probe goes when the lease of the lost one ends, alone, and opens the way for all', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    const doomed = await cluster.worker();
    simulator.setProfile('only', { rules: [{ do: { kind: 'server' } }] });
    expect((await callOnce(api.origin, 'opens')).status).toBe(502);

    simulator.setProfile('only', { latency: { p50: 60_000 } });
    const calls = [callOnce(api.origin, 'probe')];
    await eventually(() => simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the probe' });
    const probedAt = performance.now();
    await cluster.worker();
    await doomed.end('SIGKILL');
    const before = simulator.requests().length;
    simulator.setProfile('only', { latency: { p50: 400 }, answer: { tokens: 5 } });
    for (let i = 0; i < WAITING; i++) calls.push(callOnce(api.origin, `waits${i}`));

    const since = () => simulator.requests().slice(before);
    await eventually(() => since().length > 0, { withinMs: LEASE_MS + 5_000, what: 'the next probe' });
    expect(performance.now() - probedAt).toBeLessThan(LEASE_MS + 2_000 + 1_500); // the last beat renewed it, up to 2 s after
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    const [probe, ...others] = since();
    expect(others).toHaveLength(WAITING);
    expect(Math.min(...others.map(({ atMs }) => atMs))).toBeGreaterThanOrEqual(probe!.atMs + 400 - 2); // after it had answered
  }, 60_000);
});
