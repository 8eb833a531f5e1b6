import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';

const TEN_MINUTES_MS = 600_000;
const RPM = 20;
const RETRY_AFTER_MS = 4_000;
const shiftedBy = (ms: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../support/shifted-clock.mjs')).href}`,
  SHIFT_CLOCK_MS: String(ms),
});

describe.each([
  ['ahead', TEN_MINUTES_MS],
  ['behind', -TEN_MINUTES_MS],
])('a worker whose clock is ten minutes %s (F29)', (_where, shiftMs) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([
      { profile: 'limited', params: `order: 1, rpm: ${RPM}` },
      { profile: 'cooled', params: 'order: 2' },
      { profile: 'spare', params: 'order: 3' },
    ]);
  });
  afterAll(() => cluster?.stop());

  it('keeps limits and cooldowns with the others, also those that a provider gives as a date', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    await cluster.worker(shiftedBy(shiftMs));
    const callTo = async (count: number): Promise<void> => {
      const outcomes = await Promise.all(Array.from({ length: count }, (_, i) => callOnce(api.origin, `c${i}`)));
      expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    };
    const limited = { kind: 'rate_limit', retryAfterMs: RETRY_AFTER_MS };
    simulator.setProfile('cooled', { rules: [{ times: 1, do: limited }], limits: { retryAfter: 'date' } });
    await callTo(RPM);
    await callTo(1); // meets the 429: the worker with the wrong clock reads its date
    await cluster.worker();
    const cooledAt = simulator.requests({ profile: 'cooled' })[0]!.atMs;
    const isBack = async (): Promise<boolean> => {
      await callTo(1);
      return simulator.requests({ profile: 'cooled' }).length > 1;
    };
    await eventually(isBack, { withinMs: RETRY_AFTER_MS + 8_000, what: 'the cooled one to be asked again' });
    const backAt = simulator.requests({ profile: 'cooled' })[1]!.atMs;
    expect(backAt - cooledAt).toBeGreaterThanOrEqual(RETRY_AFTER_MS - 50);
    expect(backAt - cooledAt).toBeLessThan(RETRY_AFTER_MS + 3_000); // a date has whole seconds, rounded up
    expect(simulator.requests({ profile: 'limited' })).toHaveLength(RPM);
  }, 60_000);
});
