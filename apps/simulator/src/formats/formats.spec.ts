import { describe, expect, it } from '@jest/globals';
import type { ChatCall } from '../answer/chat-call.js';
import { makeAnswer } from '../answer/make-answer.js';
import { REPLY_KINDS } from '../script/fault.js';
import { readScript } from '../script/script.js';
import { anthropic } from './anthropic.js';
import { azure } from './azure.js';
import { type Dress, type Format, isRefusal } from './format.js';
import { goDuration, openai } from './openai.js';

const DRESS: Dress = { n: 1, createdAt: 1_770_933_883, drawnMs: 0, noUsage: false, noFinish: false };
const VERSION = { 'anthropic-version': '2023-06-01' };
const TOOL = { name: 'geo', input_schema: { type: 'object' }, type: 'function', function: { name: 'geo' } };
const SCRIPT = readScript({
  answer: { reasoning: 'well then', toolCalls: [{ name: 'geo', arguments: '{"city":"Bern"}' }, { name: 'geo' }] },
});

function callOf(format: Format, body: object = {}): ChatCall {
  const whole = { max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...body };
  const call = format.read(whole, VERSION, 'the-model');
  if (isRefusal(call)) throw new Error(call.message);
  return call;
}

const parsed = (format: Format, body: object, dress: Partial<Dress> = {}): any => {
  const call = callOf(format, body);
  return JSON.parse(format.unary(call, makeAnswer(call, SCRIPT.answer, 1), { ...DRESS, ...dress }));
};
const events = (format: Format, body: object, dress: Partial<Dress> = {}): any[] => {
  const call = callOf(format, { stream: true, ...body });
  return format
    .pieces(call, makeAnswer(call, SCRIPT.answer, 1), { ...DRESS, ...dress }, 4)
    .map(({ data }) => (data === '[DONE]' ? data : JSON.parse(data)));
};

describe.each([openai, azure])('$name', (format) => {
  const gathered = (chunks: any[], index: number): any => {
    const message: any = { role: null, content: null, tool_calls: [], reasoning_content: '', finish: null };
    for (const { choices } of chunks.slice(0, -1)) {
      for (const { delta, finish_reason: finish } of choices.filter((choice: any) => choice.index === index)) {
        message.role ??= delta.role;
        if (delta.content) message.content = (message.content ?? '') + delta.content;
        message.reasoning_content += delta.reasoning_content ?? '';
        message.finish ??= finish;
        for (const { index: at, id, function: piece } of delta.tool_calls ?? []) {
          message.tool_calls[at] ??= { id, type: 'function', function: { name: piece.name, arguments: '' } };
          message.tool_calls[at].function.arguments += piece.arguments;
        }
      }
    }
    return message;
  };

  it.each([
    ['text', { n: 2 }],
    ['tools', { tools: [TOOL] }],
  ])('streams what it says at once: %s', (_what, body) => {
    const { choices } = parsed(format, body);
    const chunks = events(format, body);
    expect(chunks.at(-1)).toBe('[DONE]');
    for (const { index, message, finish_reason: finish } of choices) {
      const { refusal: _refusal, ...said } = message;
      expect(gathered(chunks, index)).toEqual({ tool_calls: [], ...said, finish });
    }
  });

  it('gives usage in a stream only to those who ask', () => {
    const { usage } = parsed(format, {});
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    expect(events(format, {}).some((chunk) => 'usage' in Object(chunk))).toBe(false);
    const asked = events(format, { stream_options: { include_usage: true } });
    expect(asked.at(-2)).toMatchObject({ choices: [], usage });
    expect(asked.at(-3)).toMatchObject({ usage: null });
  });

  it('leaves out usage and finish on request', () => {
    const dress = { noUsage: true, noFinish: true };
    expect(parsed(format, {}, dress)).not.toHaveProperty('usage');
    expect(parsed(format, {}, dress).choices[0].finish_reason).toBeNull();
    const chunks = events(format, { stream_options: { include_usage: true } }, dress).slice(0, -1);
    expect(
      chunks.every(({ usage, choices }) => usage === undefined && (choices[0]?.finish_reason ?? null) === null),
    ).toBe(true);
  });

  it.each([
    [{ messages: undefined }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: [1] }, 'messages'],
    [{ stream: 'yes' }, 'stream'],
    [{ n: 0 }, 'n'],
  ])('refuses %j', (body, param) => {
    expect(format.read({ messages: [{ role: 'user' }], ...body }, {}, 'm')).toMatchObject({
      kind: 'bad_request',
      param,
    });
  });
});

describe('azure', () => {
  it('begins with filter results', () => {
    expect(events(azure, {})[0]).toMatchObject({ id: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
    expect(parsed(azure, {}).choices[0]).toHaveProperty('content_filter_results.hate.filtered', false);
  });
});

describe('anthropic', () => {
  const gathered = (all: any[]): any => {
    const content: any[] = [];
    let stopReason: unknown;
    for (const event of all) {
      if (event.type === 'content_block_start') content[event.index] = { ...event.content_block, json: '' };
      if (event.type === 'message_delta') stopReason = event.delta.stop_reason;
      if (event.type !== 'content_block_delta') continue;
      const block = content[event.index];
      const { text = '', thinking = '', signature = '', partial_json: json = '' } = event.delta;
      if (block.type === 'text') block.text += text;
      if (block.type === 'thinking')
        Object.assign(block, { thinking: block.thinking + thinking, signature: block.signature + signature });
      block.json += json;
    }
    const blocks = content.map(({ json, ...block }) =>
      block.type === 'tool_use' ? { ...block, input: JSON.parse(json || '{}') } : block,
    );
    return { content: blocks, stop_reason: stopReason };
  };

  it.each([
    ['text', {}, 'end_turn'],
    ['length', { max_tokens: 8 }, 'max_tokens'],
    ['tools', { tools: [TOOL] }, 'tool_use'],
  ])('streams what it says at once: %s', (_what, body, reason) => {
    const { content, stop_reason: stop } = parsed(anthropic, body);
    expect(stop).toBe(reason);
    expect(gathered(events(anthropic, body))).toEqual({ content, stop_reason: stop });
  });

  it('ends with usage that fits the start', () => {
    const { usage } = parsed(anthropic, {});
    const all = events(anthropic, {});
    expect(all[0].message.usage.input_tokens).toBe(usage.input_tokens);
    expect(all.at(-2)).toMatchObject({ type: 'message_delta', usage: { output_tokens: usage.output_tokens } });
    expect(all.at(-1)).toEqual({ type: 'message_stop' });
  });

  it('leaves out usage and finish on request', () => {
    const all = events(anthropic, {}, { noUsage: true, noFinish: true });
    expect(all[0].message).not.toHaveProperty('usage');
    expect(all.map(({ type }) => type)).not.toContain('message_delta');
  });

  it.each([
    [{ max_tokens: undefined }, VERSION, 'max_tokens: Field required'],
    [{}, {}, 'anthropic-version: header is required'],
    [{ messages: [{ role: 'system', content: 'x' }] }, VERSION, 'Unexpected role "system"'],
    [{ messages: [{ role: 'assistant', content: 'x' }] }, VERSION, 'first message must use the "user" role'],
    [
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'x ' },
        ],
      },
      VERSION,
      'cannot end with trailing whitespace',
    ],
  ])('refuses %j', (body, headers, message) => {
    const whole = { max_tokens: 1, messages: [{ role: 'user', content: 'x' }], ...body };
    expect(anthropic.read(whole, headers, 'm')).toMatchObject({ message: expect.stringContaining(message) });
  });
});

describe('errors', () => {
  const statuses = (format: Format): number[] => REPLY_KINDS.map((kind) => format.error({ kind }, null, DRESS).status);

  it('have the status of their format', () => {
    expect(statuses(openai)).toEqual([400, 401, 403, 404, 400, 400, 429, 429, 503, 500]);
    expect(statuses(azure)).toEqual([400, 401, 403, 404, 400, 400, 429, 429, 503, 500]);
    expect(statuses(anthropic)).toEqual([400, 401, 403, 404, 400, 400, 429, 400, 529, 500]);
  });

  it.each([
    [openai, { message: 'Rate limit reached. Please try again in 1.5s.', type: 'tokens', code: 'rate_limit_exceeded' }],
    [azure, { code: '429', message: expect.stringMatching(/token rate limit.*Please retry after 1.5 seconds\./) }],
    [anthropic, { type: 'rate_limit_error', message: expect.stringMatching(/try again in 1.5s/) }],
  ])('are worded by $name', (format, error) => {
    const { body } = format.error({ kind: 'rate_limit', retryAfterMs: 1_500, limit: 'tokens' }, null, DRESS);
    expect(JSON.parse(body).error).toMatchObject(error);
  });

  it.each([
    [0, '0ms'],
    [120, '120ms'],
    [1_500, '1.5s'],
    [59_560, '59.56s'],
    [360_000, '6m0s'],
    [179_560, '2m59.56s'],
    [3_600_000, '1h0m0s'],
  ])('last %d ms as Go writes it: %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });
});
