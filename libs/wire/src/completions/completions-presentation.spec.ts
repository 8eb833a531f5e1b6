import { describe, expect, it } from '@jest/globals';
import { roleChunk, textChunk, usageChunk } from '../openai/chat-chunk.js';
import { SSE_DONE, sseData } from '../sse.js';
import { COMPLETIONS_PRESENTATION } from './completions-presentation.js';
import { WholeCompletion } from './whole-completion.js';

const WHO = { jobId: 'job_1', createdAtMs: 7_000, model: 'g' };
const CHUNKS = { id: 'chatcmpl-1', createdAt: 7, model: 'g' };
const { toChat, answer, events } = COMPLETIONS_PRESENTATION;
const finish = sseData(
  JSON.stringify({ ...CHUNKS, created: 7, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
);
const STREAM =
  sseData(roleChunk(CHUNKS, 0, true)) +
  sseData(textChunk(CHUNKS, 'Hel', true)) +
  sseData(textChunk(CHUNKS, 'lo', true)) +
  finish +
  sseData(usageChunk(CHUNKS, { prompt_tokens: 1, completion_tokens: 2 })) +
  SSE_DONE;

describe('a completion', () => {
  it('is one user’s message in chat, and runs as it was asked', () => {
    expect(toChat({ model: 'g', prompt: 'Hi', max_tokens: 3, suffix: '' })).toEqual({
      kind: 'chat',
      body: { model: 'g', max_tokens: 3, messages: [{ role: 'user', content: 'Hi' }] },
      runsAsAsked: true,
    });
  });

  it.each([
    [{ model: '', prompt: 'x' }, 'model'],
    [{ model: 'g' }, 'prompt'],
    [{ model: 'g', prompt: [] }, 'prompt'],
    [{ model: 'g', prompt: 'x', stream: 1 }, 'stream'],
    [{ model: 'g', prompt: 'x', n: 0 }, 'n'],
  ])('is refused with %j', (asked, param) => {
    expect(toChat(asked)).toMatchObject({ kind: 'refused', error: { param } });
  });

  it('is made of a chat’s answer, or passes', () => {
    const chat = { id: 'chatcmpl-1', object: 'chat.completion', created: 7, model: 'g', usage: { total_tokens: 3 } };
    const choices = [{ index: 0, message: { content: 'Yo' }, finish_reason: 'length' }];
    const made = answer(Buffer.from(JSON.stringify({ ...chat, choices })), {}, WHO);
    expect(JSON.parse(made.toString())).toEqual({
      id: 'cmpl-1',
      object: 'text_completion',
      created: 7,
      model: 'g',
      choices: [{ text: 'Yo', index: 0, logprobs: null, finish_reason: 'length' }],
      usage: { total_tokens: 3 },
    });
    const own = Buffer.from('{"object": "text_completion","choices":[]}');
    expect(answer(own, {}, WHO)).toBe(own);
  });

  it('streams texts without what opens a chat, and is whole again', () => {
    const fold = events({}, WHO);
    const text =
      fold.open() + fold.push(STREAM.slice(0, STREAM.indexOf(finish))) + fold.end(STREAM.slice(STREAM.indexOf(finish)));
    const data = text
      .split('\n\n')
      .flatMap((event) => (event.startsWith('data: {') ? [JSON.parse(event.slice(6))] : []));
    expect(data.map(({ id, choices }) => [id, choices[0]?.text, choices[0]?.finish_reason])).toEqual([
      ['cmpl-1', 'Hel', null],
      ['cmpl-1', 'lo', null],
      ['cmpl-1', '', 'stop'],
      ['cmpl-1', undefined, undefined],
    ]);
    expect(text.endsWith(SSE_DONE)).toBe(true);
    const whole = new WholeCompletion();
    whole.add(text);
    expect(whole.answer(undefined, undefined)).toMatchObject({
      id: 'cmpl-1',
      choices: [{ text: 'Hello', finish_reason: 'stop' }],
      usage: { completion_tokens: 2 },
    });
  });
});
