import { describe, expect, it } from '@jest/globals';
import { openaiAdapter } from './openai-adapter.js';
import { callOf, deploymentOf, replyOf } from '../test-calls.js';

const target = deploymentOf({});
const answer = (body: unknown, call = callOf({})) => openaiAdapter.answer(replyOf(body), call, target, 0);
const choice = (message: object, finish: string | null = 'stop') => ({
  index: 0,
  message: { role: 'assistant', content: 'Hi', ...message },
  finish_reason: finish,
});
const USAGE = { prompt_tokens: 16, completion_tokens: 3, total_tokens: 19 };

describe('an OpenAI answer', () => {
  it('W1 W5 passes through byte for byte, with id, created and model replaced', () => {
    const text = `{ "id":"chatcmpl-9","object":"chat.completion","created":1770933883,"model":"gpt-x-2026", "choices":[{"index":0,"message":{"role":"assistant","content":"Hi \\"you\\"","refusal":null},"logprobs":{"content":[{"token":"Hi","logprob":-1.0}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":16,"completion_tokens":3,"total_tokens":19},"big":12345678901234567890}`;
    expect(answer(text)).toEqual({
      kind: 'answer',
      text: text.replace('chatcmpl-9', 'chatcmpl-1').replace('1770933883', '1700000000').replace('gpt-x-2026', 'asked'),
      usage: { prompt: 16, completion: 3, cached: 0, cacheWrite: 0, reasoning: 0, estimated: false },
      finishes: [{ choice: 0, reason: 'stop', native: 'stop' }],
    });
  });

  it('is told with estimated usage when the provider counts nothing', () => {
    const made = answer({ choices: [choice({ content: 'twelve chars' })] });
    expect(made).toMatchObject({ kind: 'answer', usage: { prompt: 3, completion: 3, estimated: true } });
    expect(JSON.parse((made as { text: string }).text)).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    });
  });

  it('W16 array content and reasoning become content and reasoning_content', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'Hi' },
    ];
    const made = answer({ choices: [choice({ content }), { ...choice({ reasoning: 'so' }), index: 1 }], usage: USAGE });
    const { choices } = JSON.parse((made as { text: string }).text) as { choices: { message: unknown }[] };
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'hm' });
    expect(choices[1]?.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'so' });
  });

  it('without a finish is malformed, with tool calls it is tool_calls', () => {
    expect(answer({ choices: [choice({}, null)] })).toMatchObject({ failure: { kind: 'malformed' } });
    const made = answer({
      choices: [choice({ content: null, tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] }, null)],
    });
    expect(made).toMatchObject({ finishes: [{ reason: 'tool_calls' }] });
    expect(JSON.parse((made as { text: string }).text)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
  });

  it.each([
    ['HTML', '<html></html>', 'malformed'],
    ['nothing', '', 'malformed'],
    ['an array', [1], 'malformed'],
    ['no choices', { id: 'x', choices: [] }, 'malformed'],
    ['no message', { choices: [{ index: 0, finish_reason: 'stop' }] }, 'malformed'],
    ['an error with status 200', { error: { message: 'm', code: 'rate_limit_exceeded' } }, 'rate_limit'],
    [
      'an error in a choice',
      { choices: [{ ...choice({}, 'error'), error: { code: 503, message: 'm' } }] },
      'overloaded',
    ],
    ['only filtered choices', { choices: [choice({ content: '' }, 'content_filter')] }, 'content_filter'],
  ])('W11 %s', (_name, body, kind) => {
    expect(answer(body)).toMatchObject({ kind: 'failure', failure: { kind } });
  });

  it('a filter that cut an answer short is a finish', () => {
    expect(answer({ choices: [choice({}, 'content_filter')] })).toMatchObject({
      finishes: [{ reason: 'content_filter' }],
    });
  });
});
