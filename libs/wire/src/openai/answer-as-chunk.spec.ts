import { describe, expect, it } from '@jest/globals';
import { answerAsChunk } from './answer-as-chunk.js';
import { WholeAnswer } from './whole-answer.js';

const identity = { id: 'chatcmpl-1', createdAt: 7, model: 'm' };
const chunk = (choice: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 7, model: 'm', choices: [{ index: 0, ...choice }] })}\n\n`;

/** As a client that streams puts it together. */
const told = (...events: string[]): unknown => {
  const whole = new WholeAnswer();
  for (const event of events) whole.add(event);
  return whole.answer(identity, undefined);
};

describe('a stream that is made anew from its whole answer', () => {
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"a":1}' } };

  it.each<[string, object[]]>([
    [
      'text',
      [{ delta: { role: 'assistant', content: '' } }, { delta: { content: 'Hel' } }, { delta: { content: 'lo' } }],
    ],
    ['reasoning', [{ delta: { role: 'assistant', reasoning_content: 'hm' } }, { delta: { content: 'yes' } }]],
    ['tool calls', [{ delta: { role: 'assistant', content: null, tool_calls: [call] } }]],
  ])('says the same: %s', (_what, choices) => {
    const tail = chunk({ delta: {}, finish_reason: 'stop' });
    const first = told(...choices.map(chunk), tail);
    expect(told(answerAsChunk(JSON.stringify(first)), tail)).toEqual(first);
  });

  it('is one event that neither ends nor counts the answer', () => {
    const answer = { id: 'a', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }], usage: {} }; // prettier-ignore
    expect(answerAsChunk(JSON.stringify(answer))).toBe(
      'data: {"id":"a","object":"chat.completion.chunk","choices":[{"index":0,"finish_reason":null,"delta":{"role":"assistant","content":"x"}}]}\n\n',
    );
  });
});
