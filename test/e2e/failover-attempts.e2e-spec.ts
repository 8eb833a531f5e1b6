import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const LONE: PlayedDeployment[] = [{ profile: 'only' }];
const PAIR: PlayedDeployment[] = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];
const NO_RETRY = 'num_retries: 0';
const router = (...settings: string[]): string => `router_settings: {${settings.join(', ')}}`;
const times = (count: number, deed: Record<string, unknown>) => ({ rules: [{ times: count, do: deed }] });

describe('L23: with one attempt allowed, a failure of the deployment uses it', () => {
  it.each<[string, Record<string, unknown>]>([
    ['500', { kind: 'server' }],
    ['503', { kind: 'overloaded' }],
    ['a reset', { resetBeforeHeaders: true }],
    ['no answer in time', { hang: true }],
    ['an answer that cannot be read', { malformedAfter: 0 }],
    ['a wrong key', { kind: 'auth' }],
    ['a model that is not there', { kind: 'not_found' }],
    ['a spent quota', { kind: 'quota_exhausted' }],
  ])('%s', async (_what, deed) => {
    await withSluice(PAIR, { yaml: router(NO_RETRY), scripts: { first: times(1, deed) } }, async (sluice) => {
      const response = await sluice.call({ timeout: 0.4 });
      expect(response.status).toBeGreaterThanOrEqual(429);
      expect(sluice.callsTo('second')).toHaveLength(0);
    });
  });
});

describe('with one attempt allowed, it is not used by', () => {
  it('429s: another deployment serves at once', async () => {
    const scripts = { first: times(1, { kind: 'rate_limit', retryAfterMs: 30_000 }) };
    await withSluice(PAIR, { yaml: router(NO_RETRY), scripts }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(200);
      expect([callsTo('first').length, callsTo('second').length]).toEqual([1, 1]);
    });
  });

  it('L22: 429s of a lone deployment, one after the other', async () => {
    const limited = { ...times(3, { kind: 'rate_limit', retryAfterMs: 300 }), limits: { retryAfter: 'ms' } };
    await withSluice(LONE, { yaml: router(NO_RETRY), scripts: { only: limited } }, async ({ call, callsTo }) => {
      for (const stream of [false, true]) expect((await call({ stream })).status).toBe(200);
      expect(callsTo('only')).toHaveLength(5);
    });
  });

  it('waiting for a deployment that is full', async () => {
    const narrow = [{ profile: 'only', params: 'max_parallel_requests: 1' }];
    const slow = { latency: { p50: 400 } };
    await withSluice(narrow, { yaml: router(NO_RETRY), scripts: { only: slow } }, async ({ call, callsTo }) => {
      const responses = await Promise.all([call({}), call({}), call({})]);
      expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(responses.map(({ headers }) => headers.get('x-litellm-attempted-retries'))).toEqual(['0', '0', '0']);
      expect(callsTo('only')).toHaveLength(3);
    });
  });

  it('a half-open probe that fails', async () => {
    const yaml = router(NO_RETRY, 'allowed_fails: 0', 'cooldown_time: 0.3');
    await withSluice(LONE, { yaml, scripts: { only: times(3, { kind: 'server' }) } }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(502); // opens it
      expect((await call({})).status).toBe(200); // waits, probes in vain, waits, is served
      expect(callsTo('only')).toHaveLength(4);
    });
  });

  it('being handed back by a worker that stops', async () => {
    const hangs = { rules: [{ match: { nth: [1] }, do: { hang: true } }] };
    const options = { yaml: router(NO_RETRY), env: { SLUICE_DRAIN_MS: '0' }, scripts: { only: hangs } };
    await withSluice(LONE, options, async ({ call, callsTo, workers, addWorker }) => {
      const answered = call({});
      await eventually(() => callsTo('only').length === 1, { withinMs: 3_000, what: 'the first worker to ask' });
      await addWorker();
      await workers[0]!.close();
      expect((await answered).status).toBe(200);
      expect(callsTo('only')).toHaveLength(2);
    });
  });

  it('the first call to a fallback group, which has attempts of its own', async () => {
    const groups = [{ profile: 'only' }, { profile: 'other', group: 'other' }];
    const yaml = router('num_retries: 1', 'fallbacks: [{GROUP: [GROUP-other]}]');
    const scripts = { only: times(9, { kind: 'server' }), other: times(1, { kind: 'server' }) };
    await withSluice(groups, { yaml, scripts }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(200);
      expect([callsTo('only').length, callsTo('other').length]).toEqual([2, 2]);
    });
  });
});
