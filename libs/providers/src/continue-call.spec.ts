import { describe, expect, it } from '@jest/globals';
import { anthropicAdapter } from './anthropic/anthropic-adapter.js';
import type { PrefillForm } from './adapter.js';
import { continueCall } from './continue-call.js';
import { openaiAdapter } from './openai/openai-adapter.js';
import { callOf, deploymentOf } from './test-calls.js';

const USER = { role: 'user', content: 'Hello there' };
const rest = (text: string, prefill?: PrefillForm, tokens = 0) => ({ text, prefill, tokens });

describe('W54 a call for the rest of an answer', () => {
  it('keeps the bytes of the client and adds the answer so far', () => {
    const source =
      '{ "messages" : [{"role":"user","content":"caf\\u00e9"} ], "seed":12345678901234567890, "stream":true,"model":"asked"}';
    const call = continueCall(callOf({}, source), rest('so "far"', 'plain'));
    expect(call.source).toBe(
      '{ "messages" : [{"role":"user","content":"caf\\u00e9"} ,{"role":"assistant","content":"so \\"far\\""}], "seed":12345678901234567890, "stream":true,"model":"asked"}',
    );
    expect(call.body.messages.at(-1)).toEqual({ role: 'assistant', content: 'so "far"' });
  });

  it.each<[PrefillForm, object, object]>([
    ['plain', {}, {}],
    ['prefix', { prefix: true }, {}],
    ['partial', { partial: true }, {}],
    ['continue_final_message', {}, { continue_final_message: true, add_generation_prompt: false }],
  ])('as a prefill: %s', (form, inMessage, inBody) => {
    const call = continueCall(callOf({}), rest('so far', form));
    expect(JSON.parse(call.source)).toEqual({
      model: 'asked',
      messages: [USER, { role: 'assistant', content: 'so far', ...inMessage }],
      ...inBody,
    });
    expect(call.body).toEqual(JSON.parse(call.source));
  });

  it('as a turn: a user asks to go on without repeating', () => {
    const call = continueCall(callOf({}), rest('so far'));
    const { messages } = JSON.parse(call.source) as { messages: { role: string; content: string }[] };
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[2]!.content).toMatch(/Continue it exactly where it stops.*Do not repeat/);
    expect(call.body).toEqual(JSON.parse(call.source));
  });

  it("goes on in the client's own prefill", () => {
    const messages = [USER, { role: 'assistant', name: 'a', content: 'Once ' }];
    const said = { role: 'assistant', name: 'a', content: 'Once upon' };
    const prefilled = continueCall(callOf({ messages }), rest('upon', 'prefix'));
    expect(JSON.parse(prefilled.source)).toMatchObject({ messages: [USER, { ...said, prefix: true }] });
    const asked = continueCall(callOf({ messages }), rest('upon'));
    const sent = JSON.parse(asked.source) as { messages: unknown[] };
    expect(sent.messages).toEqual([USER, said, expect.objectContaining({ role: 'user' })]);
  });

  it('leaves as many tokens as there were', () => {
    const left = (body: object): unknown =>
      JSON.parse(continueCall(callOf({ ...body }), rest('x', 'plain', 30)).source);
    expect(left({ max_tokens: 100 })).toMatchObject({ max_tokens: 70 });
    expect(left({ max_completion_tokens: 20 })).toMatchObject({ max_completion_tokens: 1 });
    expect(left({ max_tokens: null })).toMatchObject({ max_tokens: null });
  });
});

describe('who goes on from a prefill', () => {
  const anthropic = (model: string, body: object = {}, supports: object = {}): PrefillForm | undefined =>
    anthropicAdapter.prefill(
      callOf({ ...body }),
      deploymentOf({}, { provider: 'anthropic', model, supports: { ...supports } }),
    );

  it.each<[string, object, object, PrefillForm | undefined]>([
    ['claude-sonnet-4-5', {}, {}, 'plain'],
    ['claude-3-5-haiku-20241022', {}, {}, 'plain'],
    ['claude-opus-4-6', {}, {}, undefined],
    ['claude-next', {}, {}, undefined],
    ['claude-next', {}, { prefill: true }, 'plain'],
    ['claude-sonnet-4-5', {}, { prefill: false }, undefined],
    ['claude-sonnet-4-5', { reasoning_effort: 'low' }, {}, undefined],
    ['claude-sonnet-4-5', { thinking: { type: 'enabled', budget_tokens: 2_000 } }, {}, undefined],
    ['claude-sonnet-4-5', { thinking: { type: 'disabled' }, reasoning_effort: 'none' }, {}, 'plain'],
  ])('%s %j %j: %s', (model, body, supports, form) => {
    expect(anthropic(model, body, supports)).toBe(form);
  });

  it.each<[string, object, PrefillForm | undefined]>([
    ['https://api.openai.com/v1', {}, undefined],
    ['https://api.mistral.ai/v1', {}, 'prefix'],
    ['https://api.deepseek.com/beta', {}, 'prefix'],
    ['https://api.deepseek.com/v1', {}, undefined],
    ['https://api.moonshot.ai/v1', {}, 'partial'],
    ['https://openrouter.ai/api/v1', {}, 'plain'],
    ['http://127.0.0.1:1/v1', {}, undefined],
    ['http://127.0.0.1:1/v1', { prefill: true }, 'plain'],
    ['https://api.mistral.ai/v1', { prefill: false }, undefined],
  ])('%s %j: %s', (baseUrl, supports, form) => {
    expect(openaiAdapter.prefill(callOf({}), deploymentOf({ baseUrl }, { supports: { ...supports } }))).toBe(form);
  });
});
