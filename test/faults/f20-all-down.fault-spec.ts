import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import { mostIn } from '../support/most-in.js';

const DOWN_MS = 14_000;
const CALL_EVERY_MS = 100;
const PROFILES = ['a', 'b'];

describe('all deployments of a group are down (F20)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start(PROFILES.map((profile) => ({ profile })));
  });
  afterAll(() => cluster?.stop());

  it('calls get 503 after 10 s, each deployment is probed once a second at most, and 5 s after its return all is well', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    await Promise.all([cluster.worker(), cluster.worker()]);
    for (const profile of PROFILES) simulator.setProfile(profile, { rules: [{ do: { kind: 'server' } }] });

    const startedAt = Date.now();
    const calls: { atMs: number; outcome: Promise<Outcome> }[] = [];
    const callUntil = (done: () => boolean, what: string, withinMs: number): Promise<void> =>
      eventually(
        () => {
          const due = startedAt + calls.length * CALL_EVERY_MS;
          if (Date.now() >= due) {
            calls.push({ atMs: Date.now(), outcome: callOnce(api.origin, `d${calls.length}`) });
          }
          return done();
        },
        { withinMs, what },
      );
    await callUntil(() => Date.now() > startedAt + DOWN_MS, 'the outage', DOWN_MS + 5_000);
    const probes = PROFILES.map((profile) => simulator.requests({ profile }).map(({ atMs }) => atMs));
    for (const profile of PROFILES) simulator.setProfile(profile, { answer: { tokens: 3 } });
    const backAt = Date.now();
    await callUntil(() => Date.now() > backAt + 6_000, 'the time after', 10_000);

    // The first second is what the breakers need to open: four failures of each, and what was under way then.
    for (const times of probes)
      expect(
        mostIn(
          1_000,
          times.filter((at) => at > startedAt + 1_500),
        ),
      ).toBeLessThanOrEqual(1);
    const outcomes = await Promise.all(calls.map(async ({ atMs, outcome }) => ({ atMs, ...(await outcome) })));
    const waited = outcomes.filter(({ atMs }) => atMs > startedAt + 1_500 && atMs < backAt - 10_500);
    expect(waited.length).toBeGreaterThan(10);
    for (const { status, code, tookMs } of waited) {
      expect([status, code]).toEqual([503, 'no_deployment_available']);
      expect(tookMs).toBeGreaterThan(9_500);
      expect(tookMs).toBeLessThan(12_000);
    }
    const late = outcomes.filter(({ atMs }) => atMs > backAt - 5_000);
    expect(late.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    const servedAt = Math.min(...late.map(({ atMs, tookMs }) => atMs + tookMs));
    expect(servedAt - backAt).toBeLessThan(5_000);
  }, 90_000);
});
