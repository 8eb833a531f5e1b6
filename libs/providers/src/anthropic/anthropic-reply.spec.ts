import { describe, expect, it } from '@jest/globals';
import type { StreamEvent } from '../adapter.js';
import { callOf, chunksOf, deploymentOf, readStream, replyOf, sse } from '../test-calls.js';
import { anthropicAdapter } from './anthropic-adapter.js';

const claude = deploymentOf({}, { provider: 'anthropic', model: 'claude-x' });
const oldClaude = deploymentOf({}, { provider: 'anthropic', model: 'claude-3-haiku' });
const call = callOf({ stream: true });

const START = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    usage: { input_tokens: 25, output_tokens: 1, cache_read_input_tokens: 5 },
  },
};
const open = (index: number, block: object) => ({ type: 'content_block_start', index, content_block: block });
const delta = (index: number, type: string, rest: object) => ({
  type: 'content_block_delta',
  index,
  delta: { type, ...rest },
});
const close = (index: number) => ({ type: 'content_block_stop', index });
const stop = (reason: string | null, usage: object = { output_tokens: 15 }) => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage,
});
const END = { type: 'message_stop' };
const TEXT = [open(0, { type: 'text', text: '' }), delta(0, 'text_delta', { text: 'Hi' }), close(0)];

const read = (...events: unknown[]) => readStream(call, claude, sse(...events));
const deltas = (events: readonly StreamEvent[]) =>
  chunksOf(events).map((chunk) => chunk['choices'][0].delta as unknown);
const argumentsOf = (events: readonly StreamEvent[], index: number) =>
  chunksOf(events)
    .flatMap((chunk) => (chunk['choices'][0].delta.tool_calls ?? []) as Record<string, any>[])
    .filter((each) => each['index'] === index)
    .map((each) => each['function'].arguments as string)
    .join('');

describe("a stream of Claude's", () => {
  it('becomes chunks, with usage counted as OpenAI counts it', () => {
    const events = read(
      START,
      { type: 'ping' },
      ...TEXT,
      stop('end_turn', { output_tokens: 15, input_tokens: null }),
      END,
    );
    const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'asked' };
    expect(chunksOf(events)).toEqual([
      { ...head, choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'end_turn' }] },
    ]);
    expect(events.slice(1)).toMatchObject([
      { finishes: [{ choice: 0, reason: 'stop', native: 'end_turn' }] },
      { kind: 'usage', usage: { prompt: 30, completion: 15, cached: 5, estimated: false } },
      { kind: 'end' },
    ]);
    const counted = callOf({ stream: true, stream_options: { include_usage: true } });
    expect(chunksOf(readStream(counted, claude, sse(START, ...TEXT, stop('end_turn'), END)))).toMatchObject([
      { usage: null },
      { usage: null },
    ]);
  });

  it('reads the same however it is split', () => {
    const text = sse(
      START,
      open(0, { type: 'text', text: '' }),
      delta(0, 'text_delta', { text: 'é😀' }),
      close(0),
      stop('end_turn'),
      END,
    );
    const whole = readStream(call, claude, text);
    for (const size of [1, 2, 5]) expect(readStream(call, claude, text.replaceAll('\n', '\r\n'), size)).toEqual(whole);
  });

  it('W23 two parallel tool calls, interleaved', () => {
    const events = read(
      START,
      ...TEXT,
      open(1, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }),
      open(2, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }),
      delta(1, 'input_json_delta', { partial_json: '{"a"' }),
      delta(2, 'input_json_delta', { partial_json: '' }),
      delta(2, 'input_json_delta', { partial_json: '{"b":2}' }),
      delta(1, 'input_json_delta', { partial_json: ':1}' }),
      close(1),
      close(2),
      stop('tool_use'),
      END,
    );
    expect(deltas(events).slice(1, 3)).toEqual([
      { tool_calls: [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 1, id: 'toolu_2', type: 'function', function: { name: 'g', arguments: '' } }] },
    ]);
    expect([argumentsOf(events, 0), argumentsOf(events, 1)]).toEqual(['{"a":1}', '{"b":2}']);
    expect(chunksOf(events).at(-1)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
  });

  it('W24 a tool without input has {} for arguments', () => {
    const events = read(
      START,
      open(0, { type: 'tool_use', id: 't', name: 'f', input: {} }),
      close(0),
      open(1, { type: 'tool_use', id: 'u', name: 'g', input: { a: 1 } }),
      delta(1, 'input_json_delta', { partial_json: '' }),
      close(1),
      stop('tool_use'),
      END,
    );
    expect([argumentsOf(events, 0), argumentsOf(events, 1)]).toEqual(['{}', '{"a":1}']);
  });

  it('W25 thinking and redacted thinking', () => {
    const events = read(
      START,
      open(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, 'thinking_delta', { thinking: 'h' }),
      delta(0, 'thinking_delta', { thinking: 'm' }),
      delta(0, 'signature_delta', { signature: 'S' }),
      close(0),
      open(1, { type: 'redacted_thinking', data: 'D' }),
      close(1),
      open(2, { type: 'text', text: 'H' }),
      delta(2, 'text_delta', { text: 'i' }),
      close(2),
      stop('end_turn'),
      END,
    );
    expect(deltas(events)).toEqual([
      { reasoning_content: 'h' },
      { reasoning_content: 'm' },
      { thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'S' }] },
      { thinking_blocks: [{ type: 'redacted_thinking', data: 'D' }] },
      { content: 'H' },
      { content: 'i' },
      {},
    ]);
  });

  it('W27 the arguments of the JSON tool are content', () => {
    const asked = callOf({ stream: true, response_format: { type: 'json_object' } });
    const tool = [
      open(0, { type: 'tool_use', id: 't', name: 'json_tool_call', input: {} }),
      delta(0, 'input_json_delta', { partial_json: '{"a":' }),
      delta(0, 'input_json_delta', { partial_json: '1}' }),
      close(0),
    ];
    const events = readStream(asked, oldClaude, sse(START, ...tool, stop('tool_use'), END));
    expect(deltas(events)).toEqual([{ content: '{"a":' }, { content: '1}' }, {}]);
    expect(chunksOf(events).at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(deltas(read(START, ...tool, stop('tool_use'), END))[0]).toHaveProperty('tool_calls');
  });

  it('W28 cache usage, cumulative', () => {
    const usage = { output_tokens: 7, cache_creation_input_tokens: 11, output_tokens_details: { thinking_tokens: 4 } };
    expect(read(START, ...TEXT, stop('end_turn', usage), END).at(-2)).toEqual({
      kind: 'usage',
      usage: { prompt: 41, completion: 7, cached: 5, cacheWrite: 11, reasoning: 4, estimated: false },
    });
  });

  it('W29 a refusal with nothing is a failure, with text a finish', () => {
    expect(read(START, stop('refusal'), END).at(-1)).toMatchObject({ failure: { kind: 'content_filter' } });
    expect(read(START, ...TEXT, stop('refusal'), END).map(({ kind }) => kind)).toEqual([
      'chunk',
      'chunk',
      'usage',
      'end',
    ]);
  });

  it('W30 an error, first and later; unknown events and blocks are passed over', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(read(error)).toMatchObject([{ kind: 'failure', failure: { kind: 'overloaded' } }]);
    expect(read(START, ...TEXT, error).at(-1)).toMatchObject({ failure: { kind: 'overloaded', afterTokens: 1 } });
    for (const [type, kind] of [
      ['rate_limit_error', 'rate_limit'],
      ['invalid_request_error', 'bad_request'],
      ['authentication_error', 'auth'],
      ['billing_error', 'quota_exhausted'],
      ['permission_error', 'permission'],
      ['not_found_error', 'not_found'],
      ['request_too_large', 'bad_request'],
      ['api_error', 'server'],
      ['timeout_error', 'server'],
      ['news', 'server'],
    ]) {
      expect(read({ type: 'error', error: { type, message: 'm' } })).toMatchObject([{ failure: { kind } }]);
    }
    const odd = [
      { type: 'news' },
      open(9, { type: 'server_tool_use', id: 's' }),
      delta(9, 'input_json_delta', { partial_json: '{}' }),
      delta(0, 'x_delta', {}),
      close(9),
    ];
    expect(deltas(read(START, ...odd, ...TEXT, stop('end_turn'), END))).toEqual([{ content: 'Hi' }, {}]);
  });

  it('W31 the end of input before and after the stop reason', () => {
    expect(read(START, ...TEXT).at(-1)).toMatchObject({ failure: { kind: 'stream_broken', afterTokens: 1 } });
    expect(read(START, ...TEXT, END).at(-1)).toMatchObject({ failure: { kind: 'stream_broken' } });
    expect(read(START).at(-1)).toMatchObject({ failure: { kind: 'stream_broken' } });
    expect(read(START, ...TEXT, stop('new_reason')).at(-1)).toEqual({ kind: 'end' });
    expect(read(START, ...TEXT, stop('max_tokens'))).toMatchObject([
      {},
      { finishes: [{ reason: 'length' }] },
      {},
      { kind: 'end' },
    ]);
    expect(read(START, '{bad')).toMatchObject([{ kind: 'usage' }, { failure: { kind: 'malformed' } }]);
  });
});

describe("an answer of Claude's", () => {
  const answer = (body: unknown, to = callOf({}), target = claude) =>
    anthropicAdapter.answer(replyOf(body), to, target, 0);
  const message = (content: unknown[], stopReason: string | null = 'end_turn') => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content,
    stop_reason: stopReason,
    usage: {
      input_tokens: 12,
      cache_creation_input_tokens: 2,
      cache_read_input_tokens: 3,
      output_tokens: 29,
      output_tokens_details: { thinking_tokens: 9 },
    },
  });

  it('W22 W25 W28 has text, thoughts, tools with their digits, and usage', () => {
    const source = JSON.stringify(
      message(
        [
          { type: 'thinking', thinking: 'hm', signature: 'S' },
          { type: 'text', text: 'Hi' },
          { type: 'tool_use', id: 't', name: 'f', input: 'HERE' },
        ],
        'tool_use',
      ),
    ).replace('"HERE"', '{"n": 12345678901234567890}');
    const made = answer(source);
    expect(made).toMatchObject({
      kind: 'answer',
      usage: { prompt: 17, completion: 29, cached: 3, cacheWrite: 2, reasoning: 9, estimated: false },
      finishes: [{ choice: 0, reason: 'tool_calls', native: 'tool_use' }],
    });
    expect(JSON.parse((made as { text: string }).text)).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'asked',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Hi',
            reasoning_content: 'hm',
            thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'S' }],
            tool_calls: [
              { id: 't', type: 'function', function: { name: 'f', arguments: '{"n": 12345678901234567890}' } },
            ],
            refusal: null,
          },
          logprobs: null,
          finish_reason: 'tool_calls',
          native_finish_reason: 'tool_use',
        },
      ],
      usage: {
        prompt_tokens: 17,
        completion_tokens: 29,
        total_tokens: 46,
        prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 9 },
      },
    });
  });

  it('W27 the JSON tool is content', () => {
    const made = answer(
      message([{ type: 'tool_use', id: 't', name: 'json_tool_call', input: { a: 1 } }], 'tool_use'),
      callOf({ response_format: { type: 'json_object' } }),
    );
    expect(JSON.parse((made as { text: string }).text)).toMatchObject({
      choices: [{ message: { content: '{"a":1}' }, finish_reason: 'stop' }],
    });
  });

  it.each([
    ['W29 an empty refusal', message([], 'refusal'), 'content_filter'],
    ['no stop reason', message([{ type: 'text', text: 'a' }], null), 'malformed'],
    ['no content', { type: 'message' }, 'malformed'],
    ['HTML', '<html>', 'malformed'],
    [
      'W30 an error with status 200',
      { type: 'error', error: { type: 'overloaded_error', message: 'm' } },
      'overloaded',
    ],
  ])('%s', (_name, body, kind) => {
    expect(answer(body)).toMatchObject({ kind: 'failure', failure: { kind } });
  });
});
