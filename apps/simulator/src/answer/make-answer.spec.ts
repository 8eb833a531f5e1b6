import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRefusal } from '../formats/format.js';
import { readOpenAiCall } from '../formats/openai-read.js';
import { readScript } from '../script/script.js';
import type { Answer, ChatCall } from './chat-call.js';
import { cutIntoPieces } from './cut-into-pieces.js';
import { exampleOf } from './example-of-schema.js';
import { makeAnswer, words } from './make-answer.js';

const HELLO = [{ role: 'user', content: 'hello you' }];
const TOOLS = ['geo', 'time'].map((name) => ({
  type: 'function',
  function: {
    name,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'array', items: { type: 'integer' } } },
    },
  },
}));
const GEO = { name: 'geo', arguments: '{"city":"Bern"}' };

function callOf(body: Record<string, unknown> = {}): ChatCall {
  const call = readOpenAiCall({ messages: HELLO, ...body }, 'gpt-4o');
  if (isRefusal(call)) throw new Error(call.message);
  return call;
}
const answerTo = (body: Record<string, unknown> = {}, script: object = {}, seed = 1): Answer =>
  makeAnswer(callOf(body), readScript({ answer: script }).answer, seed);
const first = (answer: Answer) => answer.choices[0]!;

describe('an answer', () => {
  it('follows from conversation, model and seed', () => {
    expect(answerTo()).toEqual(answerTo({ stream: true }));
    expect(first(answerTo()).text).not.toBe(first(answerTo({}, {}, 2)).text);
    expect(first(answerTo()).text).not.toBe(first(answerTo({ messages: [{ role: 'user', content: 'else' }] })).text);
  });

  it('has as many tokens as asked for, of four characters', () => {
    const answer = answerTo({}, { tokens: 7 });
    expect(first(answer).text).toMatch(/^(\w{3} ){6}\w{3}\.$/);
    expect(answer.usage).toEqual({ prompt: 3, completion: 7, cached: 0, reasoning: 0 });
    expect(words(0, 1)).toBe('');
  });

  it('adds usage up over choices, reasoning and cache', () => {
    const { choices, usage } = answerTo({ n: 2 }, { text: '12345', reasoning: '123456789', cachedTokens: 100 });
    expect(choices).toHaveLength(2);
    expect(usage).toEqual({ prompt: 3, cached: 3, reasoning: 6, completion: 2 * (3 + 2) });
  });

  it('gives each choice a text of its own', () => {
    const { choices } = answerTo({ n: 3 });
    expect(new Set(choices.map(({ text }) => text)).size).toBe(3);
  });

  it('ends at max_tokens with length', () => {
    expect(first(answerTo({ max_tokens: 5 }))).toMatchObject({
      finish: 'length',
      text: expect.stringMatching(/^.{20}$/),
    });
    expect(first(answerTo({ max_completion_tokens: 50 })).finish).toBe('stop');
  });

  it('ends as the script says', () => {
    expect(first(answerTo({}, { finish: 'content_filter' })).finish).toBe('content_filter');
  });
});

describe('a prefill', () => {
  const whole = first(answerTo()).text;
  const started = (content: string): Record<string, unknown> => ({
    messages: [...HELLO, { role: 'assistant', content }],
  });

  it('is gone on from', () => {
    expect(first(answerTo(started(whole.slice(0, 43)))).text).toBe(whole.slice(43));
  });

  it('that is not of this answer is gone on from with the answer', () => {
    expect(first(answerTo(started('Once upon'))).text).toBe(whole);
  });

  it('is ignored when the script says so', () => {
    expect(first(answerTo(started(whole.slice(0, 43)), { prefill: 'ignore' })).text).toBe(whole);
  });
});

describe('tools', () => {
  it.each<[string, Record<string, unknown>, object, { name: string; arguments: string }[]]>([
    ['are called when the script says', { tools: TOOLS }, { toolCalls: [GEO] }, [GEO]],
    ['are called in parallel', { tools: TOOLS }, { toolCalls: [GEO, GEO] }, [GEO, GEO]],
    ['are not, when the caller minds', { tools: TOOLS, parallel_tool_calls: false }, { toolCalls: [GEO, GEO] }, [GEO]],
    ['are left alone otherwise', { tools: TOOLS }, {}, []],
    ['are left alone when there are none', {}, { toolCalls: [GEO] }, []],
    ['are left alone on none', { tools: TOOLS, tool_choice: 'none' }, { toolCalls: [GEO] }, []],
    [
      'are called when the caller insists',
      { tools: TOOLS, tool_choice: 'required' },
      {},
      [{ name: 'geo', arguments: '{"city":"fox","days":[1]}' }],
    ],
    [
      'are called by name',
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'time' } } },
      { toolCalls: [GEO] },
      [{ name: 'time', arguments: '{"city":"fox","days":[1]}' }],
    ],
  ])('%s', (_what, body, script, expected) => {
    const { toolCalls, finish, text } = first(answerTo(body, script));
    expect(toolCalls.map(({ name, arguments: given }) => ({ name, arguments: given }))).toEqual(expected);
    expect(finish).toBe(expected.length > 0 ? 'tool_calls' : 'stop');
    expect(text === '').toBe(expected.length > 0);
  });

  it('are not called again when their result is there', () => {
    const messages = [
      ...HELLO,
      { role: 'assistant', tool_calls: [] },
      { role: 'tool', tool_call_id: 'a', content: '1' },
    ];
    expect(first(answerTo({ messages, tools: TOOLS }, { toolCalls: [GEO] })).toolCalls).toEqual([]);
  });

  it('have ids of their own', () => {
    const { toolCalls } = first(answerTo({ tools: TOOLS }, { toolCalls: [GEO, GEO] }));
    expect(toolCalls[0]!.id).toMatch(/^call_[0-9a-f]{16}$/);
    expect(toolCalls[0]!.id).not.toBe(toolCalls[1]!.id);
  });
});

describe('JSON', () => {
  const object = { response_format: { type: 'json_object' } };

  it('is given for json_object', () => {
    expect(JSON.parse(first(answerTo(object)).text)).toEqual({ answer: expect.any(String) });
    expect(first(answerTo(object, { text: 'hi' })).text).toBe('{"answer":"hi"}');
    expect(first(answerTo(object, { text: '[1]' })).text).toBe('[1]');
  });

  it('fits its schema', () => {
    const schema = {
      type: 'object',
      properties: {
        a: { enum: ['x', 'y'] },
        b: { type: ['integer', 'null'], minimum: 5 },
        c: { anyOf: [{ type: 'boolean' }] },
      },
    };
    const body = { response_format: { type: 'json_schema', json_schema: { name: 's', schema } } };
    expect(JSON.parse(first(answerTo(body)).text)).toEqual({ a: 'x', b: 5, c: true });
  });

  it('ends even for a schema without an end', () => {
    const schema: Record<string, unknown> = { type: 'array' };
    schema['items'] = schema;
    expect(JSON.stringify(exampleOf(schema))).toBe('[[[[[[[[[null]]]]]]]]]');
  });
});

describe('pieces', () => {
  it('put together are the text, and none ends inside a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (text, size) => {
        const pieces = cutIntoPieces(text, size);
        expect(pieces.join('')).toBe(text);
        expect(pieces.every((piece) => piece.length > 0 && piece.isWellFormed())).toBe(true);
      }),
    );
  });
});
