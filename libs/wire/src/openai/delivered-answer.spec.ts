import { describe, expect, it } from '@jest/globals';
import { SSE_DONE, sseData } from '../sse.js';
import { roleChunk, textChunk } from './chat-chunk.js';
import { addDelivered, nothingDelivered, type DeliveredAnswer } from './delivered-answer.js';

const WHO = { id: 'chatcmpl-1', createdAt: 1, model: 'asked' };
const chunk = (delta: object, more: object = {}): string =>
  sseData(JSON.stringify({ model: 'asked', choices: [{ index: 0, delta, finish_reason: null, ...more }] }));

function read(...events: string[]): DeliveredAnswer {
  const answer = nothingDelivered();
  for (const each of events) addDelivered(answer, each);
  return answer;
}

describe('what was delivered', () => {
  it('adds up text and reasoning, over frames', () => {
    const events = [
      sseData(roleChunk(WHO, 0, true)),
      chunk({ reasoning_content: 'hm ' }) + chunk({ reasoning_content: 'so' }),
      chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'hm so', signature: 's' }] }),
      sseData(textChunk(WHO, 'one "two"\n\n', false)) + chunk({ content: 'three' }) + SSE_DONE,
    ];
    const expected = {
      model: 'asked',
      text: 'one "two"\n\nthree',
      reasoning: 'hm so',
      hasThoughts: true,
      chunks: 4,
      unspliceable: undefined,
    };
    expect(read(...events)).toEqual(expected);
    expect(read(events.join(''))).toEqual(expected);
  });

  it.each<[DeliveredAnswer['unspliceable'], string]>([
    ['tool_calls', chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '' } }] })],
    ['tool_calls', chunk({ function_call: { name: 'f' } })],
    ['logprobs', chunk({ content: 'a' }, { logprobs: { content: [] } })],
    ['choices', chunk({ content: 'a' }, { index: 1 })],
    ['refusal', chunk({ refusal: 'no' })],
    ['media', chunk({ audio: { data: 'x' } })],
    [undefined, chunk({ content: 'a', refusal: null, tool_calls: [], function_call: null }, { logprobs: null })],
    [undefined, sseData('{"choices":[],"usage":{}}')],
  ])('nobody can go on with half of it: %s', (what, events) => {
    expect(read(events).unspliceable).toBe(what);
  });
});
