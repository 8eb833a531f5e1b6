import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const GROUPS: PlayedDeployment[] = [
  { profile: 'a' },
  ...['x', 'y', 'z'].map((name) => ({ profile: name, group: name, model: `openai/model-${name}` })),
];
const LISTS = `router_settings: {num_retries: 1, fallbacks: [{GROUP: [GROUP-x]}],
  context_window_fallbacks: [{GROUP: [GROUP-y]}], content_policy_fallbacks: [{GROUP: [GROUP-z]}]}`;
const FLAGS: [string, string, number, string][] = [
  ['mock_testing_fallbacks', 'x', 502, 'provider_error'],
  ['mock_testing_context_window_fallbacks', 'y', 400, 'context_length_exceeded'],
  ['mock_testing_content_policy_fallbacks', 'z', 400, 'content_filter'],
  ['mock_testing_rate_limit_error', 'x', 429, 'no_capacity'],
  ['mock_timeout', 'x', 504, 'provider_timeout'],
];
const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('a caller with the master key who tests its fallbacks', () => {
  it.each(FLAGS)('L47: %s fails the asked group without a call: %s serves', async (flag, serves) => {
    await withSluice(GROUPS, { yaml: LISTS }, async ({ call, callsTo, group }) => {
      for (const stream of [false, true]) {
        const response = await call({ [flag]: true, stream, timeout: 0.2 });
        expect(response.status).toBe(200);
        expect(response.headers.get('x-litellm-model-group')).toBe(`${group}-${serves}`);
        expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('1');
        await response.text();
      }
      expect(callsTo('a')).toHaveLength(0);
      expect(callsTo(serves)[0]!.body).not.toHaveProperty(flag);
    });
  });

  it.each(FLAGS)('L47: %s without fallbacks is that error', async (flag, _serves, status, code) => {
    await withSluice(GROUPS, {}, async ({ call, simulator }) => {
      const response = await call({ [flag]: true, timeout: 0.2 });
      expect([response.status, await codeOf(response)]).toEqual([status, code]);
      expect(simulator.requests()).toHaveLength(0);
    });
  });

  it.each([false, true])('mock_response is the answer; stream: %s', async (stream) => {
    await withSluice(GROUPS, {}, async ({ call, openai, group, simulator }) => {
      const messages = [{ role: 'user' as const, content: 'Hi.' }];
      const own = { mock_response: 'It works  as\nwritten. ', mock_delay: 0.05 };
      const params = { model: group, messages, ...own };
      let text = '';
      if (stream) {
        for await (const chunk of await openai.chat.completions.create({ ...params, stream }))
          text += chunk.choices[0]?.delta.content ?? '';
      } else {
        const { choices } = await openai.chat.completions.create(params);
        text = choices[0]!.message.content ?? '';
      }
      expect(text).toBe(own.mock_response);
      const named = await call({ mock_response: 'litellm.ContentPolicyViolationError' });
      expect(await codeOf(named)).toBe('content_filter');
      expect(simulator.requests()).toHaveLength(0);
    });
  });

  it.each([
    [{ mock_response: 7 }, 'mock_response'],
    [{ mock_testing_fallbacks: 'yes' }, 'mock_testing_fallbacks'],
    [{ mock_delay: -1 }, 'mock_delay'],
  ])('%j is refused', async (own, param) => {
    await withSluice(GROUPS, {}, async ({ call }) => {
      const response = await call(own);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } });
    });
  });
});

describe('a caller without it', () => {
  it('L47: has its mock_ members dropped', async () => {
    await withSluice(GROUPS, { yaml: LISTS, isOpen: true }, async ({ call, callsTo, group }) => {
      const response = await call({ mock_testing_fallbacks: true, mock_response: 'Never said.' });
      expect(response.headers.get('x-litellm-model-group')).toBe(group);
      expect(await response.text()).not.toContain('Never said.');
      expect(callsTo('a')).toHaveLength(1);
      expect(Object.keys(callsTo('a')[0]!.body as object).filter((name) => name.startsWith('mock_'))).toEqual([]);
    });
  });
});

describe('a deployment with mock_response', () => {
  it('answers, or fails as it says, without a call', async () => {
    const mocks: PlayedDeployment[] = [
      { profile: 'a', params: 'order: 1, mock_response: litellm.RateLimitError' },
      { profile: 'b', params: 'order: 2, mock_response: "Played.", mock_delay: 0.05' },
      { profile: 'c', group: 'slow', params: 'mock_timeout: true, timeout: 0.2, num_retries: 0' },
    ];
    await withSluice(mocks, {}, async ({ call, group, simulator }) => {
      for (const stream of [false, true]) {
        const response = await call({ stream });
        expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-b`);
        expect(await response.text()).toContain('Played.');
        const slow = await call({ stream, model: `${group}-slow` });
        expect([slow.status, await codeOf(slow)]).toEqual([504, 'provider_timeout']);
      }
      expect(simulator.requests()).toHaveLength(0);
    });
  });
});
