import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const THREE: PlayedDeployment[] = ['a', 'b', 'c'].map((profile, i) => ({ profile, params: `order: ${i + 1}` }));
const LONE: PlayedDeployment[] = [{ profile: 'a' }];
const always = (deed: Record<string, unknown>) => ({ rules: [{ do: deed }] });
const DOWN = always({ kind: 'server' });
const errorOf = async (response: Response): Promise<Record<string, unknown>> =>
  ((await response.json()) as { error: Record<string, unknown> }).error;

describe('how often a call is tried', () => {
  it.each<[string, string, Record<string, unknown>, Record<string, string>, number]>([
    ['three times by default', '', {}, {}, 3],
    ['L23: num_retries of litellm_settings', 'litellm_settings: {num_retries: 0}', {}, {}, 1],
    ['router_settings beats it', 'litellm_settings: {num_retries: 4}\nrouter_settings: {num_retries: 1}', {}, {}, 2],
    ['L24: the body beats both', 'router_settings: {num_retries: 4}', { num_retries: 0 }, {}, 1],
    ['L24: x-litellm-num-retries beats the body', '', { num_retries: 2 }, { 'x-litellm-num-retries': '1' }, 2],
    ['x-sluice-max-attempts beats that', '', {}, { 'x-litellm-num-retries': '2', 'x-sluice-max-attempts': '1' }, 1],
  ])('%s', async (_name, yaml, body, headers, attempts) => {
    await withSluice(THREE, { yaml, scripts: { a: DOWN, b: DOWN, c: DOWN } }, async ({ call, simulator }) => {
      const response = await call(body, headers);
      expect(response.status).toBe(502);
      expect(simulator.requests()).toHaveLength(attempts);
      expect(response.headers.get('x-litellm-attempted-retries')).toBe(String(attempts - 1));
      expect(response.headers.get('x-litellm-max-retries')).toBe(String(attempts - 1));
    });
  });

  it('a deployment’s own num_retries beats the router’s', async () => {
    const lone = [{ profile: 'a', params: 'num_retries: 0' }];
    await withSluice(lone, { scripts: { a: DOWN } }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(502);
      expect(callsTo('a')).toHaveLength(1);
    });
  });

  it('L29: the same one again only after a jittered backoff, and retry_after at least', async () => {
    const yaml = 'router_settings: {num_retries: 1, retry_after: 0.8}';
    await withSluice(LONE, { yaml, scripts: { a: DOWN } }, async ({ call, callsTo }) => {
      await call({});
      const [first, second] = callsTo('a');
      expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(798);
      expect(second!.atMs - first!.atMs).toBeLessThan(1_500);
    });
  });

  it('L29: another one without a wait', async () => {
    const yaml = 'router_settings: {retry_after: 5}';
    await withSluice(THREE, { yaml, scripts: { a: DOWN, b: DOWN } }, async ({ call }) => {
      const startedMs = performance.now();
      expect((await call({})).status).toBe(200);
      expect(performance.now() - startedMs).toBeLessThan(1_000);
    });
  });
});

describe('what is retried', () => {
  it.each<[string, Record<string, unknown>]>([
    ['500', { kind: 'server' }],
    ['503', { kind: 'overloaded' }],
    ['408', { status: 408 }],
    ['a reset', { resetBeforeHeaders: true }],
    ['a reset after the head', { resetAfterHeaders: true }],
    ['HTML', { body: '<html>Bad gateway</html>', contentType: 'text/html' }],
    ['half a body', { cutAfter: 1 }],
    ['a body that is no JSON', { malformedAfter: 0 }],
    ['an error with status 200', { body: { error: { message: 'Oops', type: 'server_error' } } }],
    ['429', { kind: 'rate_limit', retryAfterMs: 60_000 }],
    ['402', { status: 402 }],
    ['404', { kind: 'not_found' }],
    ['403', { kind: 'permission' }],
    ['a spent quota', { kind: 'quota_exhausted' }],
  ])('L28, L30: %s: the next one serves', async (_name, deed) => {
    await withSluice(THREE, { scripts: { a: always(deed) } }, async ({ call, callsTo, group }) => {
      const response = await call({});
      expect(response.status).toBe(200);
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`);
      expect(response.headers.get('x-litellm-attempted-retries')).toBe('1'); // L30
      expect(callsTo('a')).toHaveLength(1); // L28
    });
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['400', { kind: 'bad_request' }, 400, 'invalid_request'],
    ['422', { status: 422 }, 400, 'invalid_request'],
    ['a content filter', { kind: 'content_filter' }, 400, 'content_filter'],
  ])('L26: %s: nobody else is asked', async (_name, deed, status, code) => {
    await withSluice(THREE, { scripts: { a: always(deed) } }, async ({ call, simulator }) => {
      for (const stream of [false, true]) {
        const response = await call({ stream });
        expect(response.status).toBe(status);
        expect(await errorOf(response)).toMatchObject({ code, type: 'invalid_request_error' });
      }
      expect(simulator.requests()).toHaveLength(2);
    });
  });

  it('too long for a model: nobody of the same model is asked', async () => {
    const models = [
      { profile: 'a', model: 'openai/small', params: 'order: 1' },
      { profile: 'b', model: 'openai/small', params: 'order: 2' },
      { profile: 'c', model: 'openai/large', params: 'order: 3' },
    ];
    const scripts = { a: always({ kind: 'context_length' }), b: always({ kind: 'context_length' }) };
    await withSluice(models, { scripts }, async ({ call, callsTo, group }) => {
      expect((await call({})).headers.get('x-litellm-model-id')).toBe(`${group}-c`);
      expect(callsTo('b')).toHaveLength(0);
    });
  });

  it('L27: a wrong key takes the deployment out, for all calls', async () => {
    await withSluice(THREE, { scripts: { a: { auth: { key: 'another' } } }, workers: 2 }, async ({ call, callsTo }) => {
      for (let i = 0; i < 6; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('a')).toHaveLength(1); // L27
    });
  });
});

describe('retry_policy', () => {
  it.each<[string, string, Record<string, unknown>, number]>([
    ['one attempt after a 500', '{InternalServerErrorRetries: 0}', { kind: 'server' }, 1],
    ['num_retries for what it does not name', '{InternalServerErrorRetries: 0}', { kind: 'overloaded' }, 3],
    ['a 400, if it says so', '{BadRequestErrorRetries: 1}', { kind: 'bad_request' }, 2],
  ])('L25: %s', async (_name, policy, deed, attempts) => {
    const yaml = `router_settings: {retry_policy: ${policy}, model_group_retry_policy: {GROUP-x: {}}}`;
    const scripts = { a: always(deed), b: always(deed), c: always(deed) };
    await withSluice(THREE, { yaml, scripts }, async ({ call, simulator }) => {
      await call({});
      expect(simulator.requests()).toHaveLength(attempts);
    });
  });
});

describe('what the caller sees when it is final', () => {
  it.each<[string, Record<string, unknown>, number, string]>([
    ['server', { kind: 'server' }, 502, 'provider_error'],
    ['overloaded', { kind: 'overloaded' }, 503, 'provider_overloaded'],
    ['auth', { kind: 'auth' }, 502, 'provider_auth'],
    ['permission', { kind: 'permission' }, 502, 'provider_auth'],
    ['not_found', { kind: 'not_found' }, 502, 'provider_model_not_found'],
    ['quota_exhausted', { kind: 'quota_exhausted' }, 429, 'insufficient_quota'],
    ['context_length', { kind: 'context_length' }, 400, 'context_length_exceeded'],
    ['network', { resetBeforeHeaders: true }, 502, 'provider_unreachable'],
    ['malformed', { malformedAfter: 0 }, 502, 'provider_malformed'],
  ])('%s', async (_kind, deed, status, code) => {
    for (const stream of [false, true]) {
      await withSluice(LONE, { scripts: { a: always(deed) } }, async ({ call }) => {
        const response = await call({ stream }, { 'x-sluice-max-attempts': '1' });
        expect([response.status, (await errorOf(response))['code']]).toEqual([status, code]);
      });
    }
  });

  it('one that is out for minutes is not waited for: 503 at once', async () => {
    await withSluice(LONE, { scripts: { a: always({ kind: 'auth' }) } }, async ({ call }) => {
      expect((await call({})).status).toBe(502);
      const startedMs = performance.now();
      const response = await call({});
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      expect([response.status, (await errorOf(response))['code']]).toEqual([503, 'no_deployment_available']);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(290);
    });
  });

  it('a base that refuses connections: 502, at once', async () => {
    const refusing = [{ profile: 'a', params: 'num_retries: 0, api_base: "http://127.0.0.1:1/v1"' }];
    await withSluice(refusing, {}, async ({ call }) => {
      const response = await call({});
      expect([response.status, (await errorOf(response))['code']]).toEqual([502, 'provider_unreachable']);
    });
  });
});

describe('time', () => {
  const hangs = always({ hang: true });
  const slow = (ms: number) => ({ latency: { p50: ms } });

  it.each<[string, string, string, Record<string, unknown>, Record<string, string>]>([
    ['L63: the router’s', 'router_settings: {timeout: 0.3}', '', {}, {}],
    ['request_timeout', 'litellm_settings: {request_timeout: 0.3}', '', {}, {}],
    ['the deployment’s', 'router_settings: {timeout: 30}', 'timeout: 0.3', {}, {}],
    ['L66: the body’s', 'router_settings: {timeout: 30}', 'timeout: 20', { timeout: 0.3 }, {}],
    ['L66: the header’s', '', 'timeout: 20', { timeout: 30 }, { 'x-litellm-timeout': '0.3' }],
    ['our own header’s', '', '', {}, { 'x-sluice-timeout': '300ms', 'x-litellm-timeout': '20' }],
  ])('%s timeout ends an attempt, and the next one serves', async (_name, yaml, params, body, headers) => {
    const pair = [{ profile: 'a', params: `order: 1${params && `, ${params}`}` }, THREE[1]!];
    await withSluice(pair, { yaml, scripts: { a: hangs } }, async ({ call, callsTo, group }) => {
      const response = await call(body, headers);
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`);
      const [hung] = callsTo('a');
      await eventually(() => hung!.outcome === 'client_closed', { withinMs: 1_000, what: 'the socket to be closed' });
      expect(hung!.endMs).toBeGreaterThanOrEqual(290);
      expect(hung!.endMs).toBeLessThan(1_000);
    });
  });

  it('L64: stream_timeout runs to the first token, not to the last', async () => {
    const yaml = 'router_settings: {stream_timeout: 0.4}';
    const scripts = {
      a: { latency: { p50: 3_000 } },
      b: { latency: { p50: 100 }, tokensPerSecond: 40, answer: { tokens: 24 } },
    };
    await withSluice(THREE, { yaml, scripts }, async ({ call, callsTo, group }) => {
      const response = await call({ stream: true });
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`); // L64
      const text = await response.text();
      expect(text).toMatch(/\[DONE\]/);
      expect(callsTo('b')[0]!.endMs).toBeGreaterThan(500); // it took longer than the limit, after its first token
    });
  });

  it('one that timed out is asked again only when nobody else is left', async () => {
    await withSluice(
      LONE,
      { scripts: { a: { rules: [{ times: 1, do: { hang: true } }] } } },
      async ({ call, callsTo }) => {
        expect((await call({ timeout: 0.2 })).status).toBe(200);
        expect(callsTo('a')).toHaveLength(2);
      },
    );
  });

  it.each<[string, boolean, Record<string, unknown>, Record<string, unknown>]>([
    ['no first byte', true, { delayHeadersMs: 5_000 }, { stream_timeout: 0.4 }],
    ['a head and no content', true, { stallAfter: 0 }, { stream_timeout: 0.4 }],
    ['comments and no content', true, { stallAfter: 0, comments: true }, { stream_timeout: 0.4 }],
    ['no first byte of an answer', false, { delayHeadersMs: 5_000 }, { timeout: 0.4 }],
    ['a head, byte by byte', false, { headerByteMs: 50 }, { timeout: 0.4 }],
    ['a body, byte by byte', false, { bodyByteMs: 50 }, { timeout: 0.4 }],
    ['no first byte of a stream, by the attempt’s own clock', true, { delayHeadersMs: 5_000 }, { timeout: 0.4 }],
  ])('L63, L64: %s: cut off at its clock; stream: %s', async (_what, stream, deed, clock) => {
    await withSluice(THREE, { scripts: { a: always(deed) } }, async ({ call, callsTo, group }) => {
      const response = await call({ stream, ...clock });
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`);
      await response.text();
      const [slow] = callsTo('a');
      await eventually(() => slow!.outcome === 'client_closed', { withinMs: 1_000, what: 'the socket to be closed' });
      expect(slow!.endMs).toBeGreaterThanOrEqual(300);
      expect(slow!.endMs).toBeLessThan(1_400);
    });
  });

  it('connect_timeout ends a handshake that never comes to an end', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const pair = [{ profile: 'a', params: `order: 1, api_base: "https://127.0.0.1:${port}/v1"` }, THREE[1]!];
    try {
      await withSluice(pair, { yaml: 'router_settings: {connect_timeout: 0.3}' }, async ({ call, group }) => {
        for (const stream of [false, true]) {
          const startedMs = performance.now();
          const response = await call({ stream });
          expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`);
          expect(performance.now() - startedMs).toBeGreaterThanOrEqual(290);
          expect(performance.now() - startedMs).toBeLessThan(1_500);
          await response.text();
        }
      });
    } finally {
      silent.close();
    }
  });

  it('one that timed out is not asked again while a fallback group can serve', async () => {
    const groups = [{ profile: 'a' }, { profile: 'x', group: 'x' }];
    const yaml = 'router_settings: {fallbacks: [{GROUP: [GROUP-x]}]}';
    await withSluice(groups, { yaml, scripts: { a: hangs } }, async ({ call, callsTo, group }) => {
      for (const stream of [false, true]) {
        const response = await call({ stream, timeout: 0.3 });
        expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-x`);
        await response.text();
      }
      expect(callsTo('a')).toHaveLength(2); // once by each call
    });
  });

  it('504 provider_timeout when all time out', async () => {
    await withSluice(LONE, { scripts: { a: hangs } }, async ({ call }) => {
      const response = await call({ timeout: 0.1, num_retries: 1 });
      expect([response.status, (await errorOf(response))['code']]).toEqual([504, 'provider_timeout']);
    });
  });

  it('504 deadline_exceeded when the job’s own time is over, in an attempt or between two', async () => {
    await withSluice(LONE, { scripts: { a: slow(3_000) } }, async ({ call, play }) => {
      for (const stream of [false, true]) {
        const startedMs = performance.now();
        const response = await call({ stream }, { 'x-sluice-deadline': '0.6' });
        expect([response.status, (await errorOf(response))['code']]).toEqual([504, 'deadline_exceeded']);
        expect(performance.now() - startedMs).toBeLessThan(1_400);
      }
      play({ a: DOWN });
      const response = await call({}, { 'x-sluice-deadline': '0.2' }); // no backoff fits in
      expect([response.status, (await errorOf(response))['code']]).toEqual([502, 'provider_error']);
    });
  });
});
