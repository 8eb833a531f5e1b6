import { describe, expect, it } from '@jest/globals';
import type { ChatCompletionRequest } from '@sluice/wire';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

/** Four groups of one deployment each: the asked one, and `GROUP-x`, `-y`, `-z`. */
const GROUPS: PlayedDeployment[] = [
  { profile: 'a' },
  ...['x', 'y', 'z'].map((name) => ({ profile: name, group: name, model: `openai/model-${name}` })),
];
const always = (deed: Record<string, unknown>) => ({ rules: [{ do: deed }] });
const DOWN = always({ kind: 'server' });
const routing = (own: string, retries = 0): string => `router_settings: {num_retries: ${retries}, ${own}}`;
const errorOf = async (response: Response): Promise<Record<string, unknown>> =>
  ((await response.json()) as { error: Record<string, unknown> }).error;

describe('fallback groups', () => {
  it.each([false, true])('L37, L46, L30: are asked in order, each with its own retries; stream: %s', async (stream) => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x, GROUP-y]}]', 1);
    const scripts = { a: DOWN, x: DOWN };
    await withSluice(GROUPS, { yaml, scripts }, async ({ call, simulator, group }) => {
      const response = await call({ stream });
      expect(response.status).toBe(200);
      expect(simulator.requests().map((r) => r.profile)).toEqual(['a', 'a', 'x', 'x', 'y']);
      expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-y`);
      expect(response.headers.get('x-litellm-attempted-retries')).toBe('2'); // L30
      expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('2');
      const text = await response.text();
      expect(text).toContain(`"model":"${group}-y"`);
      expect(text).not.toContain(`"model":"${group}"`);
    });
  });

  it('L45: all fail: the first group’s error, with the attempts of all', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}]');
    const scripts = { a: always({ kind: 'overloaded' }), x: DOWN };
    await withSluice(GROUPS, { yaml, scripts }, async ({ call, group }) => {
      const response = await call({});
      expect(response.status).toBe(503);
      const error = await errorOf(response);
      expect(error['code']).toBe('provider_overloaded'); // L45
      expect(error['message']).toContain(`${group}-a 503 overloaded; ${group}-x 500 server`);
      expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('1');
    });
  });

  it('L38: default_fallbacks serve groups without an entry of their own', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}], default_fallbacks: [GROUP-z]');
    await withSluice(GROUPS, { yaml, scripts: { a: DOWN, x: DOWN, y: DOWN } }, async ({ call, group }) => {
      expect((await call({})).status).toBe(502); // an entry of its own: one chain only
      const other = await call({ model: `${group}-y` });
      expect(other.headers.get('x-litellm-model-group')).toBe(`${group}-z`); // L38
    });
  });

  it.each<[string, Record<string, unknown>, Record<string, string>, string | undefined]>([
    ['L42: disable_fallbacks', { disable_fallbacks: true }, {}, undefined],
    ['L42: disable_fallbacks in a stream', { disable_fallbacks: true, stream: true }, {}, undefined],
    ['x-sluice-fallbacks: none', {}, { 'x-sluice-fallbacks': 'none' }, undefined],
    ['L41: fallbacks in the body', { fallbacks: ['GROUP-y'] }, {}, 'y'],
    ['x-sluice-fallbacks', { fallbacks: ['GROUP-z'] }, { 'x-sluice-fallbacks': 'GROUP-y' }, 'y'],
  ])('%s', async (_name, body, headers, expected) => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}]');
    await withSluice(GROUPS, { yaml, scripts: { a: DOWN } }, async ({ call, group }) => {
      const named = (value: object) =>
        JSON.parse(JSON.stringify(value).replaceAll('GROUP', group)) as Record<string, string>;
      const response = await call(named(body), named(headers));
      expect(response.status).toBe(expected === undefined ? 502 : 200);
      await response.text();
      const serves = expected === undefined ? group : `${group}-${expected}`; // who was asked last, in errors
      expect(response.headers.get('x-litellm-model-group')).toBe(serves);
    });
  });

  it.each([false, true])(
    'L41: of the body may bring messages and parameters of their own; stream: %s',
    async (stream) => {
      await withSluice(GROUPS, { scripts: { a: DOWN, x: DOWN } }, async ({ call, callsTo, group }) => {
        const shorter = [{ role: 'user', content: 'Say less.' }];
        const fallbacks = [
          { model: `${group}-x`, messages: shorter, max_tokens: 3 },
          { model: `${group}-y`, user: null },
        ];
        const response = await call({ stream, fallbacks, temperature: 0.5, user: 'somebody', num_retries: 0 });
        expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-y`);
        await response.text();
        expect(callsTo('x')[0]!.body).toMatchObject({
          messages: shorter,
          max_tokens: 3,
          temperature: 0.5,
          user: 'somebody',
        });
        expect(callsTo('y')[0]!.body).toMatchObject({
          messages: [{ role: 'user', content: 'Say hello.' }],
          temperature: 0.5,
        });
        expect(callsTo('y')[0]!.body).not.toHaveProperty('user');
        expect(callsTo('y')[0]!.body).not.toHaveProperty('fallbacks');
      });
    },
  );

  it('L41: the same model again with shorter messages, after they were too long for it', async () => {
    const tooLong = { rules: [{ times: 1, do: { kind: 'context_length' } }] };
    await withSluice(GROUPS, { scripts: { a: tooLong } }, async ({ call, callsTo, group }) => {
      const messagesTo = (profile: string) =>
        callsTo(profile).map(({ body }) => (body as ChatCompletionRequest).messages);
      const shorter = [{ role: 'user', content: 'Short.' }];
      const response = await call({ fallbacks: [{ model: group, messages: shorter }] });
      expect(response.status).toBe(200);
      expect(messagesTo('a')).toEqual([expect.anything(), shorter]);
    });
  });

  it('are looked up by the asked name before the pattern that stands for it', async () => {
    const groups = [{ profile: 'a', group: '*' }, ...GROUPS.slice(1)];
    const yaml = routing('fallbacks: [{GROUP-mine: [GROUP-x]}, {GROUP-*: [GROUP-y]}]');
    await withSluice(groups, { yaml, scripts: { a: DOWN } }, async ({ call, group }) => {
      for (const [asked, serves] of [
        ['mine', 'x'],
        ['other', 'y'],
      ]) {
        const response = await call({ model: `${group}-${asked}` });
        expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-${serves}`);
      }
    });
  });

  it('L43: max_fallbacks bounds them', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x, GROUP-y, GROUP-z]}], max_fallbacks: 2');
    await withSluice(GROUPS, { yaml, scripts: { a: DOWN, x: DOWN, y: DOWN } }, async ({ call, callsTo }) => {
      expect((await call({})).status).toBe(502);
      expect(callsTo('z')).toHaveLength(0);
    });
  });

  it.each<[string, string, string, number, string]>([
    ['L39: too long: its own list', 'context_length', 'x', 200, 'context_window_fallbacks: [{GROUP: [GROUP-x]}]'],
    ['too long, no list: the general one', 'context_length', 'z', 200, 'num_retries: 0'],
    ['L40: filtered: its own list', 'content_filter', 'y', 200, 'content_policy_fallbacks: [{GROUP: [GROUP-y]}]'],
    ['L40: filtered, no list: an error', 'content_filter', '', 400, 'num_retries: 0'],
    ['a bad request: the end', 'bad_request', '', 400, 'num_retries: 0'],
  ])('%s', async (_name, kind, serves, status, own) => {
    const yaml = `router_settings: {fallbacks: [{GROUP: [GROUP-z]}], ${own}}`;
    await withSluice(GROUPS, { yaml, scripts: { a: always({ kind }) } }, async ({ call, simulator }) => {
      expect((await call({})).status).toBe(status);
      expect(simulator.requests().map((r) => r.profile)).toEqual(['a', ...(serves === '' ? [] : [serves])]);
    });
  });

  it('a group that cools for long is left at once, one that is back soon is waited for', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}]', 2);
    const cools = (ms: number) => ({ rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: ms } }] });
    await withSluice(GROUPS, { yaml, scripts: { a: cools(30_000) } }, async ({ call, group }) => {
      const startedMs = performance.now();
      const response = await call({});
      expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-x`);
      expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('1');
      expect(performance.now() - startedMs).toBeLessThan(800);
      const next = await call({});
      expect(next.headers.get('x-litellm-model-group')).toBe(`${group}-x`);
      expect(next.headers.get('x-litellm-attempted-retries')).toBe('0');
    });
    const soon = { ...cools(400), limits: { retryAfter: 'ms' } };
    await withSluice(GROUPS, { yaml, scripts: { a: soon } }, async ({ call, group }) => {
      expect((await call({})).headers.get('x-litellm-model-group')).toBe(group);
    });
  });

  it('a group that failures shut is left at once', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}], allowed_fails: 0, cooldown_time: 60');
    await withSluice(GROUPS, { yaml, scripts: { a: DOWN } }, async ({ call, callsTo }) => {
      for (let i = 0; i < 4; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('a').length).toBeLessThanOrEqual(2); // and a probe, at the most
    });
  });

  it('with both full, the one that is back first serves', async () => {
    const yaml = routing('fallbacks: [{GROUP: [GROUP-x]}]');
    const cools = (ms: number) => ({
      limits: { retryAfter: 'ms' },
      rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: ms } }],
    });
    await withSluice(GROUPS, { yaml, scripts: { a: cools(5_400), x: cools(30_000) } }, async ({ call, group }) => {
      const response = await call({});
      expect(response.headers.get('x-litellm-model-group')).toBe(group);
      expect(response.status).toBe(200);
    });
  });
});

describe('a weighted alias', () => {
  it('is a group of its own, over deployments of others', async () => {
    const yaml =
      'router_settings: {model_group_alias: {GROUP-split: [{model: GROUP-a, weight: 1}, {model: GROUP-x, weight: 0}]}}';
    await withSluice(GROUPS, { yaml }, async ({ call, group, play, callsTo, inFlight }) => {
      const first = await call({ model: `${group}-split` });
      expect(first.headers.get('x-litellm-model-id')).toBe(`${group}-a`);
      expect(first.headers.get('x-litellm-model-group')).toBe(`${group}-split`);
      play({ a: DOWN });
      expect((await call({ model: `${group}-split` })).headers.get('x-litellm-model-id')).toBe(`${group}-x`);
      expect(callsTo('a')).toHaveLength(2);
      expect(await inFlight()).toBe(0);
    });
  });
});

describe('a deployment asked for by its id', () => {
  it('is asked alone', async () => {
    const pair = [{ profile: 'a' }, { profile: 'b' }];
    await withSluice(pair, { scripts: { b: DOWN } }, async ({ call, callsTo, group }) => {
      expect((await call({ model: `${group}-b` })).status).toBe(502);
      expect([callsTo('a').length, callsTo('b').length]).toEqual([0, 3]);
    });
  });

  it('lets the others of its group go on while it waits for that one', async () => {
    const pair = [{ profile: 'a' }, { profile: 'b', params: 'order: 2' }];
    const cools = {
      limits: { retryAfter: 'ms' },
      rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 2_500 } }],
    };
    await withSluice(pair, { scripts: { b: cools } }, async ({ call, group, callsTo }) => {
      const waiting = call({ model: `${group}-b` });
      const startedMs = performance.now();
      for (let i = 0; i < 20; i++) expect((await call({})).headers.get('x-litellm-model-id')).toBe(`${group}-a`);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
      expect((await waiting).status).toBe(200);
      expect(callsTo('b')).toHaveLength(2);
    });
  });
});
