import { describe, expect, it } from '@jest/globals';
import type { Deployment, ProviderTarget } from '@sluice/core';
import { callOf, deploymentOf } from '../test-calls.js';
import { anthropicAdapter } from './anthropic-adapter.js';

const claude = (model = 'claude-x', target: Partial<ProviderTarget> = {}, rest: Partial<Deployment> = {}) =>
  deploymentOf({ baseUrl: 'https://api.anthropic.com', ...target }, { provider: 'anthropic', model, ...rest });
const textOf = (body: Record<string, unknown>, target = claude()) =>
  anthropicAdapter.request(callOf(body), target).body;
const bodyOf = (body: Record<string, unknown>, target = claude()) =>
  JSON.parse(textOf(body, target)) as Record<string, any>;
const turns = (messages: unknown[]) => bodyOf({ messages })['messages'] as unknown;

const SCHEMA = {
  type: 'object',
  properties: {
    a: { type: 'integer', minimum: 1, description: 'A' },
    b: { oneOf: [{ type: 'string', maxLength: 3 }] },
  },
};
const AS_JSON = { type: 'json_schema', json_schema: { name: 'n', schema: SCHEMA, strict: true } };
const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };

describe('a request to Anthropic', () => {
  it('is the one of the samples', () => {
    const call = callOf({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Weather here?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'geo', arguments: '{"n":1.0}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'Bern' },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'geo',
            description: 'd',
            parameters: { type: 'object', properties: { n: { type: 'number' } } },
            strict: true,
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      max_completion_tokens: 500,
      temperature: 0.2,
      stop: ['END'],
      user: 'u1',
    });
    expect(anthropicAdapter.unsupported(call, claude())).toEqual([]);
    const request = anthropicAdapter.request(call, claude());
    expect(request).toMatchObject({
      url: 'https://api.anthropic.com/v1/messages',
      headers: { 'x-api-key': 'sk-secret-key-1234', 'anthropic-version': '2023-06-01' },
    });
    expect(request.body).toContain('"input":{"n":1.0}');
    expect(JSON.parse(request.body)).toEqual({
      model: 'claude-x',
      max_tokens: 500,
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Weather here?' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBO' } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'geo', input: { n: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'Bern' }] },
      ],
      tools: [
        {
          name: 'geo',
          description: 'd',
          input_schema: { type: 'object', properties: { n: { type: 'number' } } },
          strict: true,
        },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      temperature: 0.2,
      stop_sequences: ['END'],
      metadata: { user_id: 'u1' },
    });
  });

  it.each([
    ['https://a.test', 'https://a.test/v1/messages'],
    ['https://a.test/v1', 'https://a.test/v1/messages'],
    ['https://a.test/anthropic/v1/messages', 'https://a.test/anthropic/v1/messages'],
  ])('W33 %s', (baseUrl, url) => {
    expect(anthropicAdapter.request(callOf({}), claude('claude-x', { baseUrl })).url).toBe(url);
  });

  it('W20 system and developer are hoisted, neighbours merged, tool results first, gaps filled', () => {
    const body = bodyOf({
      messages: [
        { role: 'assistant', content: 'a' },
        { role: 'system', content: 's' },
        { role: 'user', content: 'u1' },
        { role: 'developer', content: [{ type: 'text', text: 'd', cache_control: { type: 'ephemeral' } }] },
        { role: 'user', content: 'u2' },
        { role: 'tool', tool_call_id: 'c', content: 'r' },
        { role: 'assistant', content: 'end  \n' },
      ],
    });
    expect(body['system']).toEqual([
      { type: 'text', text: 's' },
      { type: 'text', text: 'd', cache_control: { type: 'ephemeral' } },
    ]);
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: '.' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'a' }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c', content: 'r' },
          { type: 'text', text: 'u1' },
          { type: 'text', text: 'u2' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'end' }] },
    ]);
    expect(body['max_tokens']).toBe(4_096);
    const dot = [{ role: 'user', content: [{ type: 'text', text: '.' }] }];
    expect(turns([{ role: 'user', content: '' }])).toEqual(dot);
    expect(turns([{ role: 'system', content: 's' }])).toEqual(dot);
    expect(
      turns([
        { role: 'user', content: [{ type: 'text', text: '' }] },
        { role: 'assistant', content: ' ' },
      ]),
    ).toEqual(dot);
  });

  it('W21 image URL, base64, PDF', () => {
    const parts = [
      { type: 'image_url', image_url: { url: 'https://a.test/i.png' } },
      { type: 'image_url', image_url: 'data:image/jpg;base64,AA==' },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
      { type: 'file', file: { file_data: 'data:text/plain;base64,SGk=' } },
      { type: 'file', file: { file_id: 'file_1' } },
    ];
    expect(turns([{ role: 'user', content: parts }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'url', url: 'https://a.test/i.png' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AA==' } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hi' } },
          { type: 'document', source: { type: 'file', file_id: 'file_1' } },
        ],
      },
    ]);
  });

  it('W22 tool round trip: arguments as written, ids that Anthropic takes, in both places', () => {
    const call = (id: string | undefined, args: string) => ({
      id,
      type: 'function',
      function: { name: 'f', arguments: args },
    });
    const messages = [
      { role: 'user', content: 'u' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          call('a b', ''),
          call('ok_1', '[1]'),
          call(undefined, '{"n": 9007199254740993}'),
          call('x', '{bad'),
        ],
      },
      { role: 'tool', tool_call_id: 'a b', content: [{ type: 'text', text: 'r' }] },
      { role: 'tool', tool_call_id: 'ok_1', content: '' },
      { role: 'tool', content: 'n' },
    ];
    expect(textOf({ messages })).toContain('{"n": 9007199254740993}');
    const [, assistant, results] = turns(messages) as { content: Record<string, any>[] }[];
    expect(assistant?.content.map((block) => block['input'])).toEqual([
      {},
      { input: [1] },
      { n: expect.any(Number) },
      { input: '{bad' },
    ]);
    const ids = assistant?.content.map((block) => block['id'] as string) ?? [];
    expect(ids[0]).toMatch(/^call_[0-9a-f]{24}$/);
    expect(ids[1]).toBe('ok_1');
    expect(results?.content.map((block) => block['tool_use_id'])).toEqual(ids.slice(0, 3));
  });

  it('W22 schemas keep their text', () => {
    const source =
      '{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","x": 12345678901234567890}}},{"type":"web_search_20250305","name":"web_search","max_uses": 1.0}]}';
    const { body } = anthropicAdapter.request(callOf({}, source), claude());
    expect(body).toContain('"input_schema":{"type":"object","x": 12345678901234567890}');
    expect(body).toContain('{"type":"web_search_20250305","name":"web_search","max_uses": 1.0}');
  });

  it.each([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'any' }],
    [
      { type: 'function', function: { name: 'f' } },
      { type: 'tool', name: 'f' },
    ],
    [undefined, undefined],
  ])('W22 tool_choice %j', (choice, expected) => {
    expect(bodyOf({ tools: [TOOL], tool_choice: choice })['tool_choice']).toEqual(expected);
    expect(bodyOf({ tool_choice: choice })['tool_choice']).toBeUndefined();
  });

  it('W25 thoughts are sent back as they came; without a signature they are not', () => {
    const thoughts = [
      { type: 'thinking', thinking: 'hm', signature: 'S' },
      { type: 'redacted_thinking', data: 'D' },
      { type: 'thinking', thinking: 'unsigned', signature: '' },
    ];
    const messages = [
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a', reasoning_content: 'hm', thinking_blocks: thoughts },
      { role: 'user', content: 'v' },
    ];
    expect((turns(messages) as { content: unknown[] }[])[1]?.content).toEqual([
      thoughts[0],
      thoughts[1],
      { type: 'text', text: 'a' },
    ]);
  });

  it('W26 effort against max_tokens, forced tool, own thinking', () => {
    const older = claude('claude-sonnet-4-5');
    const thinking = (body: Record<string, unknown>, target = older) => bodyOf(body, target)['thinking'] as unknown;
    expect(thinking({ reasoning_effort: 'high', max_tokens: 9_000 })).toEqual({
      type: 'enabled',
      budget_tokens: 4_096,
    });
    expect(thinking({ reasoning_effort: 'high', max_tokens: 2_000 })).toEqual({
      type: 'enabled',
      budget_tokens: 1_999,
    });
    expect(thinking({ reasoning_effort: 'high', max_tokens: 1_024 })).toBeUndefined();
    expect(thinking({ reasoning_effort: 'none' })).toBeUndefined();
    expect(
      thinking({ reasoning_effort: 'low', max_tokens: 9_000, tools: [TOOL], tool_choice: 'required' }),
    ).toBeUndefined();
    expect(
      thinking({ reasoning_effort: 'low', max_tokens: 9_000, response_format: { type: 'json_object' } }),
    ).toBeUndefined();
    const own = { type: 'enabled', budget_tokens: 5_000 };
    expect(thinking({ reasoning_effort: 'low', thinking: own, max_tokens: 9_000 })).toEqual(own);
    const thought = bodyOf({ reasoning_effort: 'low', max_tokens: 9_000, temperature: 0.3, top_p: 0.5 }, older);
    expect(thought).not.toHaveProperty('temperature');
    expect(thought).not.toHaveProperty('top_p');
    const adaptive = bodyOf({ reasoning_effort: 'minimal' });
    expect(adaptive).toMatchObject({
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'low' },
    });
    expect(bodyOf({})).not.toHaveProperty('thinking');
    expect(
      anthropicAdapter.unsupported(callOf({ reasoning_effort: 'low' }), claude('claude-3-5-sonnet-20241022')),
    ).toEqual(['reasoning_effort']);
  });

  it('W27 json_schema native: what it cannot enforce is told', () => {
    expect(bodyOf({ response_format: AS_JSON })['output_config']).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: {
            a: { type: 'integer', description: 'A (minimum: 1)' },
            b: { anyOf: [{ type: 'string', description: '(maxLength: 3)' }] },
          },
          additionalProperties: false,
        },
      },
    });
  });

  it('W27 json_schema forced, where there is no other way', () => {
    const old = claude('claude-3-haiku-20240307');
    const forced = bodyOf({ response_format: AS_JSON }, old);
    expect(forced).toMatchObject({
      tools: [{ name: 'json_tool_call', input_schema: SCHEMA }],
      tool_choice: { type: 'tool', name: 'json_tool_call' },
    });
    const beside = bodyOf({ response_format: AS_JSON, tools: [TOOL] }, old);
    expect(beside['tools'].map(({ name }: { name: string }) => name)).toEqual(['f', 'json_tool_call']);
    expect(beside).not.toHaveProperty('tool_choice');
    expect(bodyOf({ response_format: { type: 'json_object' } })['tool_choice']).toMatchObject({
      name: 'json_tool_call',
    });
    expect(bodyOf({ response_format: { type: 'text' } })).not.toHaveProperty('tools');
  });

  it('W50 max_tokens, sampling and extras', () => {
    expect(bodyOf({ max_tokens: 7 })).toMatchObject({ max_tokens: 7 });
    expect(bodyOf({}, claude('claude-x', {}, { info: { max_output_tokens: 64_000 } }))).toMatchObject({
      max_tokens: 64_000,
    });
    expect(bodyOf({}, claude('claude-x', { defaults: { max_tokens: 99, temperature: 0.1 } }))).toMatchObject({
      max_tokens: 99,
      temperature: 0.1,
    });
    expect(bodyOf({ temperature: 1.7 })).toMatchObject({ temperature: 1 });
    expect(bodyOf({ temperature: 0.5, top_p: 0.5, top_k: 3 }, claude('claude-3-opus-20240229'))).toMatchObject({
      temperature: 0.5,
      top_p: 0.5,
      top_k: 3,
    });
    expect(bodyOf({ temperature: 0.5, top_p: 0.5 }, claude('claude-sonnet-4-5'))).not.toHaveProperty('top_p');
    const target = claude('claude-x', {
      allowedOpenaiParams: ['verbosity'],
      extraBody: { inference_geo: 'eu', max_tokens: 3 },
    });
    expect(bodyOf({ verbosity: 'low', seed: 1 }, target)).toMatchObject({
      verbosity: 'low',
      inference_geo: 'eu',
      max_tokens: 3,
    });
    expect(bodyOf({ stop: 'a', stream: true })).toMatchObject({ stop_sequences: ['a'], stream: true });
  });

  it.each([
    [{ n: 2 }, ['n']],
    [{ n: 1, frequency_penalty: 0, presence_penalty: 0, logprobs: false, logit_bias: {}, seed: null }, []],
    [
      { seed: 1, logit_bias: { 5: 1 }, logprobs: true, top_logprobs: 2 },
      ['seed', 'logit_bias', 'logprobs', 'top_logprobs'],
    ],
    [{ user: 'u', metadata: {}, store: true, service_tier: 'auto', safety_identifier: 's', prompt_cache_key: 'k' }, []],
    [
      { verbosity: 'low', prediction: {}, modalities: ['text', 'audio'], audio: {}, web_search_options: {} },
      ['verbosity', 'prediction', 'modalities', 'audio', 'web_search_options'],
    ],
    [JSON.parse('{"__defineGetter__":1,"__proto__":2,"constructor":3}'), ['__defineGetter__', 'constructor']],
    [{ fallbacks: ['x'], mock_response: 'a', num_retries: 1 }, []],
    [{ tools: [{ type: 'custom', custom: { name: 'c' } }] }, ['tools[0].type']],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
      ['messages[0].content[0].input_audio'],
    ],
  ])('W50 unsupported: %j', (body, names) => {
    expect(anthropicAdapter.unsupported(callOf(body), claude())).toEqual(names);
    expect(anthropicAdapter.unsupported(callOf(body), claude('claude-x', { dropParams: true }))).toEqual([]);
  });

  it('W50 sampling on a model that takes none', () => {
    const opus = claude('claude-opus-4-7');
    expect(anthropicAdapter.unsupported(callOf({ temperature: 0.2 }), opus)).toEqual(['temperature']);
    expect(anthropicAdapter.unsupported(callOf({ temperature: 1 }), opus)).toEqual([]);
    expect(bodyOf({ temperature: 0.2 }, opus)).not.toHaveProperty('temperature');
  });
});
