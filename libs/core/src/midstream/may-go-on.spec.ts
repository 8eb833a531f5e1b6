import { expect, it } from '@jest/globals';
import { mayGoOn } from './may-go-on.js';

const PROSE = { text: 'so far', unspliceable: undefined };

it.each<[boolean, string, Record<string, unknown>, Parameters<typeof mayGoOn>[1]]>([
  [true, 'prose', {}, PROSE],
  [true, 'prose of a call that has tools', { tools: [{}], tool_choice: 'auto', n: 1, logprobs: false }, PROSE],
  [true, 'text asked for by name', { response_format: { type: 'text' }, modalities: ['text'] }, PROSE],
  [true, 'nothing but reasoning', {}, { ...PROSE, text: '' }],
  [false, 'half a tool call', {}, { ...PROSE, unspliceable: 'tool_calls' }],
  [false, 'JSON', { response_format: { type: 'json_object' } }, PROSE],
  [false, 'JSON by a schema', { response_format: { type: 'json_schema', json_schema: {} } }, PROSE],
  [false, 'several answers', { n: 2 }, PROSE],
  [false, 'log probabilities', { logprobs: true }, PROSE],
  [false, 'speech', { modalities: ['text', 'audio'] }, PROSE],
  [false, 'more than anybody writes', {}, { ...PROSE, text: 'x'.repeat((1 << 20) + 1) }],
])('%s: %s', (expected, _what, asked, sent) => {
  expect(mayGoOn(asked, sent)).toBe(expected);
});
