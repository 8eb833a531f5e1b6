import { describe, expect, it } from '@jest/globals';
import { WholeAnswer } from './whole-answer.js';

const IDENTITY = { id: 'chatcmpl-1', createdAt: 7, model: 'm' };
const chunk = (choices: unknown[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 7, model: 'm', choices, ...more })}\n\n`;
const whole = (...events: string[]): Record<string, unknown> => {
  const answer = new WholeAnswer();
  for (const event of events) answer.add(event);
  return answer.answer(IDENTITY, { total_tokens: 9 });
};

describe('WholeAnswer', () => {
  it('is what the call would have got without stream', () => {
    const answer = whole(
      chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]) +
        chunk([{ index: 0, delta: { content: 'Hel' }, finish_reason: null }]),
      chunk([{ index: 0, delta: { content: 'lo', reasoning_content: 'hm' }, finish_reason: null }]),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }], { system_fingerprint: 'fp' }) + 'data: [DONE]\n\n',
    );
    expect(answer).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 7,
      model: 'm',
      system_fingerprint: 'fp',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', reasoning_content: 'hm' },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { total_tokens: 9 },
    });
  });

  it('joins tool calls by their index, and keeps the choices apart', () => {
    const call = (index: number, more: object): object => ({ tool_calls: [{ index, ...more }] });
    const answer = whole(
      chunk([{ index: 1, delta: { content: 'b' } }]),
      chunk([{ index: 0, delta: call(0, { id: 'c0', type: 'function', function: { name: 'f', arguments: '' } }) }]),
      chunk([{ index: 0, delta: call(0, { function: { arguments: '{"a"' } }) }]),
      chunk([{ index: 0, delta: call(1, { id: 'c1', type: 'function', function: { name: 'g', arguments: '{}' } }) }]),
      chunk([{ index: 0, delta: call(0, { function: { arguments: ':1}' } }) }]),
      chunk([{ index: 0, delta: {}, finish_reason: 'tool_calls' }]),
    ) as { choices: { message: { content: unknown; tool_calls?: unknown } }[] };
    expect(answer.choices[0]!.message).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
        { id: 'c1', type: 'function', function: { name: 'g', arguments: '{}' } },
      ],
    });
    expect(answer.choices[1]!.message.content).toBe('b');
  });

  it('appends log probabilities, and takes the usage of the chunks before any other', () => {
    const answer = whole(
      chunk([{ index: 0, delta: { content: 'a' }, logprobs: { content: [1] } }]),
      chunk([{ index: 0, delta: { content: 'b' }, logprobs: { content: [2] } }]),
      chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }]),
      chunk([], { usage: { total_tokens: 3 } }),
    ) as { choices: { logprobs: unknown }[]; usage: unknown };
    expect([answer.choices[0]!.logprobs, answer.usage]).toEqual([{ content: [1, 2] }, { total_tokens: 3 }]);
  });
});
