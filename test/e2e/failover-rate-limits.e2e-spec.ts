import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const LONE: PlayedDeployment[] = [{ profile: 'only' }];
const PAIR: PlayedDeployment[] = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];
const once = (deed: Record<string, unknown>, limits?: Record<string, unknown>) => ({
  rules: [{ times: 1, do: deed }],
  ...(limits === undefined ? {} : { limits }),
});
const errorOf = async (response: Response): Promise<Record<string, unknown>> =>
  ((await response.json()) as { error: Record<string, unknown> }).error;

describe('a lone deployment that answers 429', () => {
  it.each<[string, unknown, number, number]>([
    ['seconds', once({ kind: 'rate_limit', retryAfterMs: 1_000 }, { retryAfter: 's' }), 1_000, 2_000],
    ['retry-after-ms', once({ kind: 'rate_limit', retryAfterMs: 300 }, { retryAfter: 'ms' }), 300, 1_000],
    ['an HTTP date', once({ kind: 'rate_limit', retryAfterMs: 400 }, { retryAfter: 'date' }), 400, 2_500],
    [
      'words in its text',
      once({ status: 429, headers: { 'retry-after': null }, body: 'Please try again in 350ms.' }),
      350,
      1_000,
    ],
    ['garbage: the cooldown time', once({ kind: 'rate_limit', headers: { 'retry-after': 'soon' } }), 700, 1_500],
    ['nothing: the cooldown time', once({ kind: 'rate_limit', headers: { 'retry-after': null } }), 700, 1_500],
    ['zero: a little distance all the same', once({ kind: 'rate_limit', headers: { 'retry-after': '0' } }), 250, 800],
    [
      'a past date',
      once({ kind: 'rate_limit', headers: { 'retry-after': 'Tue, 01 Jan 2019 00:00:00 GMT' } }),
      250,
      800,
    ],
  ])('with %s is waited for, and then serves (L21, L22)', async (_form, script, leastMs, mostMs) => {
    const yaml = 'router_settings: {cooldown_time: 0.7}';
    await withSluice(LONE, { yaml, scripts: { only: script } }, async ({ call, callsTo }) => {
      const response = await call({});
      expect(response.status).toBe(200);
      const [refused, served, ...more] = callsTo('only');
      expect([refused?.status, served?.status, more.length]).toEqual([429, 200, 0]);
      expect(served!.atMs - refused!.atMs).toBeGreaterThanOrEqual(leastMs - 2); // two clocks: TIME in whole ms
      expect(served!.atMs - refused!.atMs).toBeLessThan(mostMs + 500);
      expect(response.headers.get('x-litellm-attempted-retries')).toBe('1');
    });
  });

  it('a hint of a billion seconds is cut to a day, and the call is refused with it (F19)', async () => {
    const scripts = { only: once({ kind: 'rate_limit', headers: { 'retry-after': '1000000000' } }) };
    await withSluice(LONE, { scripts }, async ({ call }) => {
      const response = await call({});
      expect(response.status).toBe(429);
      expect(await errorOf(response)).toMatchObject({ code: 'no_capacity', type: 'rate_limit_error' });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(86_000);
      expect(response.headers.get('x-should-retry')).toBe('false');
    });
  });

  it('429 with Retry-After when the caller’s wait would end first, from the first call and from the next (L35)', async () => {
    const scripts = { only: once({ kind: 'rate_limit', retryAfterMs: 30_000 }) };
    await withSluice(LONE, { scripts }, async ({ call, callsTo }) => {
      const impatient: Record<string, string>[] = [
        { prefer: 'wait=1' },
        { prefer: 'wait=5' },
        { 'x-sluice-when-full': 'reject' },
      ];
      for (const headers of impatient) {
        const startedMs = performance.now();
        const response = await call({}, headers);
        expect(performance.now() - startedMs).toBeLessThan(900);
        expect(response.status).toBe(429);
        expect(await errorOf(response)).toMatchObject({ code: 'no_capacity' });
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(28);
        expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(30);
      }
      expect(callsTo('only')).toHaveLength(1);
    });
  });

  it('all of a group cooled: the call waits for the first that is back (L35)', async () => {
    const limited = (retryAfterMs: number) => once({ kind: 'rate_limit', retryAfterMs }, { retryAfter: 'ms' });
    const scripts = { first: limited(30_000), second: limited(900) };
    await withSluice(PAIR, { scripts }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(200);
      const [refused, served] = callsTo('second');
      expect(served!.atMs - refused!.atMs).toBeGreaterThanOrEqual(898);
      expect(callsTo('first')).toHaveLength(1);
    });
  });

  it('for longer than the deadline, with a hint that came as garbage: the call ends in its time (F19)', async () => {
    const yaml = 'router_settings: {cooldown_time: 0.4}';
    const headers = { 'retry-after': '-17 Uhr' };
    const scripts = { only: { rules: [{ do: { kind: 'rate_limit', headers } }] } };
    await withSluice(LONE, { yaml, scripts }, async ({ call, callsTo }) => {
      const startedMs = performance.now();
      const response = await call({}, { 'x-sluice-deadline': '2' });
      expect([429, 504]).toContain(response.status);
      expect(performance.now() - startedMs).toBeLessThan(2_600);
      expect(callsTo('only').length).toBeLessThanOrEqual(6);
    });
  });

  it('does so on a stream too, before its head', async () => {
    const scripts = { only: once({ kind: 'rate_limit', retryAfterMs: 30_000 }) };
    await withSluice(LONE, { scripts }, async ({ call }) => {
      const response = await call({ stream: true }, { 'x-sluice-deadline': '2' });
      expect(response.status).toBe(429);
      expect(await errorOf(response)).toMatchObject({ code: 'no_capacity' });
    });
  });

  it('is not asked again before its time by the worker of a second call', async () => {
    const yaml = 'router_settings: {cooldown_time: 1}';
    const scripts = { only: once({ kind: 'rate_limit', retryAfterMs: 1_000 }) };
    await withSluice(LONE, { yaml, scripts, workers: 2 }, async ({ call, callsTo }) => {
      const responses = await Promise.all(Array.from({ length: 6 }, () => call({})));
      const later = await Promise.all(Array.from({ length: 6 }, () => call({})));
      expect([...responses, ...later].map((r) => r.status)).toEqual(Array.from({ length: 12 }, () => 200));
      const refused = callsTo('only').find(({ status }) => status === 429)!;
      // 250 ms: what was leased before the 429 came may still be on its way on a busy machine.
      const early = callsTo('only').filter(
        ({ atMs }) => atMs > refused.atMs + 250 && atMs < refused.atMs + refused.retryAfterMs! - 2,
      );
      expect(early).toEqual([]);
    });
  });
});

describe('cooldowns', () => {
  it.each(['cooldown_time: 0', 'disable_cooldowns: true'])(
    '%s: the next call goes there again (L33)',
    async (setting) => {
      const yaml = `router_settings: {${setting}}`;
      const scripts = { first: once({ kind: 'rate_limit', retryAfterMs: 60_000 }) };
      await withSluice(PAIR, { yaml, scripts }, async ({ call, callsTo, group }) => {
        expect((await call({})).headers.get('x-litellm-model-id')).toBe(`${group}-second`);
        expect((await call({})).headers.get('x-litellm-model-id')).toBe(`${group}-first`);
        expect(callsTo('second')).toHaveLength(1);
      });
    },
  );

  it('a deployment’s own cooldown_time beats the router’s (L34)', async () => {
    const yaml = 'router_settings: {cooldown_time: 60}';
    const scripts = { first: once({ kind: 'rate_limit', headers: { 'retry-after': null } }) };
    const own = [{ profile: 'first', params: 'order: 1, cooldown_time: 0.4' }, PAIR[1]!];
    await withSluice(own, { yaml, scripts }, async ({ call, callsTo }) => {
      const isBack = async () => (await call({})).ok && callsTo('first').length > 1;
      await eventually(isBack, { withinMs: 3_000, what: 'the first to be asked again' });
      const [refused, next] = callsTo('first');
      expect(next!.atMs - refused!.atMs).toBeGreaterThanOrEqual(398);
    });
  });

  it('a 503 with a hint cools like a 429, and uses an attempt', async () => {
    const scripts = { first: once({ kind: 'overloaded', retryAfterMs: 60_000 }) };
    await withSluice(PAIR, { scripts }, async ({ call, callsTo }) => {
      for (let i = 0; i < 3; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('first')).toHaveLength(1);
    });
  });
});

describe('failures that open a breaker', () => {
  const statuses = async ({ call }: PlayedSluice, times: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let i = 0; i < times; i++) seen.push((await call({})).status);
    return seen;
  };

  it('more than allowed_fails in a minute, counted over two workers (L31)', async () => {
    const yaml = 'router_settings: {allowed_fails: 3, cooldown_time: 60}';
    const scripts = { first: { rules: [{ do: { kind: 'server' } }] } };
    await withSluice(PAIR, { yaml, scripts, workers: 2 }, async (sluice) => {
      expect(new Set(await statuses(sluice, 12))).toEqual(new Set([200]));
      expect(sluice.callsTo('first')).toHaveLength(4);
    });
  });

  it('more than the policy allows of a class, whatever allowed_fails says (L32)', async () => {
    const yaml = `router_settings: {allowed_fails: 100, cooldown_time: 60, num_retries: 3,
      allowed_fails_policy: {InternalServerErrorAllowedFails: 1, TimeoutErrorAllowedFails: 50}}`;
    const scripts = { first: { rules: [{ do: { kind: 'server' } }] } };
    await withSluice(PAIR, { yaml, scripts, workers: 2 }, async (sluice) => {
      expect(new Set(await statuses(sluice, 6))).toEqual(new Set([200]));
      expect(sluice.callsTo('first')).toHaveLength(2);
    });
  });

  it('is not opened by client errors (L26, L36)', async () => {
    const yaml = 'router_settings: {allowed_fails: 0, cooldown_time: 60}';
    const scripts = { first: { rules: [{ times: 3, do: { kind: 'bad_request' } }] } };
    await withSluice(PAIR, { yaml, scripts }, async (sluice) => {
      expect(await statuses(sluice, 4)).toEqual([400, 400, 400, 200]);
      expect(sluice.callsTo('first')).toHaveLength(4);
      expect(sluice.callsTo('second')).toHaveLength(0);
    });
  });

  it('one probe decides when its time is over', async () => {
    const yaml = 'router_settings: {allowed_fails: 0, cooldown_time: 0.5}';
    const scripts = { first: { rules: [{ times: 1, do: { kind: 'server' } }] } };
    await withSluice(PAIR, { yaml, scripts }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(200);
      await eventually(async () => (await call({})).ok && callsTo('first').length > 1, {
        withinMs: 3_000,
        what: 'a probe of the first',
      });
      const [failed, probe] = callsTo('first');
      expect(probe!.atMs - failed!.atMs).toBeGreaterThanOrEqual(498);
    });
  });

  it('503 after outage_wait when all are open, and 200 when one is back in between', async () => {
    const yaml = 'router_settings: {allowed_fails: 0, cooldown_time: 60}\nsluice: {outage_wait: 1}';
    const down = { rules: [{ do: { kind: 'server' } }] };
    await withSluice(PAIR, { yaml, scripts: { first: down, second: down } }, async ({ call, callsTo, play }) => {
      expect((await call({}, { 'x-sluice-max-attempts': '2' })).status).toBe(502);
      const startedMs = performance.now();
      const response = await call({});
      expect(performance.now() - startedMs).toBeGreaterThan(950);
      expect(performance.now() - startedMs).toBeLessThan(2_500);
      expect(response.status).toBe(503);
      expect(await errorOf(response)).toMatchObject({ code: 'no_deployment_available', type: 'service_unavailable' });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(callsTo('first').length + callsTo('second').length).toBeLessThanOrEqual(4);

      play({ first: {}, second: {} }); // back: the next probe, within two seconds, finds out
      await eventually(async () => (await call({})).status === 200, { withinMs: 6_000, what: 'the group to recover' });
    });
  });
});
