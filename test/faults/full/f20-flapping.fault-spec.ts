import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../eventually.js';
import { callOnce, Cluster, type Outcome } from '../../support/cluster.js';

const CALL_EVERY_MS = 50;
const LASTS_MS = 22_000;
const HALF_MS = 5_000;
const FAULTS = [{ kind: 'server' }, { kind: 'network' }];

describe('a provider that is up for 5 s and down for 5 s, beside one that is well (F20)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([
      { profile: 'flaps', params: 'order: 1' },
      { profile: 'steady', params: 'order: 2' },
    ]);
  });
  afterAll(() => cluster?.stop());

  it('costs no caller an error, as JSON or stream, and is used again while it is up', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    await Promise.all([cluster.worker(), cluster.worker()]);
    const rules = [0, 1].map((i) => ({
      match: { fromMs: (2 * i + 1) * HALF_MS, toMs: (2 * i + 2) * HALF_MS },
      do: FAULTS[i],
    }));
    simulator.setProfile('flaps', { rules, answer: { tokens: 3 } });
    const startedAt = Date.now();
    const calls: Promise<Outcome>[] = [];
    await eventually(
      () => {
        const due = startedAt + calls.length * CALL_EVERY_MS;
        if (Date.now() >= due) calls.push(callOnce(api.origin, `f${calls.length}`, { stream: calls.length % 2 === 1 }));
        return Date.now() > startedAt + LASTS_MS;
      },
      { withinMs: LASTS_MS + 10_000, what: 'two rounds of it' },
    );
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    expect(Math.max(...outcomes.map(({ tookMs }) => tookMs))).toBeLessThan(2_000);

    const toFlapping = simulator.requests({ profile: 'flaps' });
    const failed = toFlapping.filter(({ status }) => status !== 200).length;
    expect(failed).toBeLessThan(40); // two openings and their probes; 200 calls came while it was down
    const upAgain = toFlapping.filter(({ atMs }) => atMs > startedAt + 4 * HALF_MS - 1_000);
    expect(upAgain.length).toBeGreaterThan(0);
  }, 60_000);
});
