import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { nativeJobs } from '../support/native-jobs.js';

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

  it('and an api’s, which jump back meanwhile: delays and deadlines pass in real time', async () => {
    const { simulator } = cluster;
    for (const profile of ['limited', 'cooled', 'spare'])
      simulator.setProfile(profile, { rules: [{ do: { hang: true } }] });
    const jumping = { ...shiftedBy(shiftMs), SHIFT_CLOCK_BACK_MS: '4000' };
    const [api] = await Promise.all([cluster.api(jumping), cluster.worker(jumping)]);
    const jobs = nativeJobs({ url: api.origin, group: cluster.group });
    const notBefore = Date.now() / 1_000 + 5;
    const content = 'call delayed.';
    const delayed = await jobs.submit({ not_before: notBefore }, { messages: [{ role: 'user', content }] });
    expect(delayed).toMatchObject({ status: 202, body: { status: 'delayed' } });
    const startedAt = performance.now();
    const over = await jobs.submit({ deadline: '6s' }, {}, { prefer: 'wait=20' });
    const tookMs = performance.now() - startedAt;
    expect(over.body).toMatchObject({ status: 'expired', error: { code: 'deadline_exceeded' } });
    expect(tookMs).toBeGreaterThan(5_000); // none early by more than a second
    const calls = () => simulator.requests().filter(({ body }) => JSON.stringify(body).includes(content));
    await eventually(() => calls().length > 0, { withinMs: 15_000, what: 'the delayed job to begin' });
    expect(calls()[0]!.atMs).toBeGreaterThan(notBefore * 1_000 - 1_000);
    await jobs.cancel(delayed.body['id']);
    for (const profile of ['limited', 'cooled', 'spare']) simulator.setProfile(profile, {});
  }, 60_000);
});
