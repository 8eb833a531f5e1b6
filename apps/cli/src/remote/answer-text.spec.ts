import { describe, expect, it } from '@jest/globals';
import { harmless, textOfAnswer, textOfChunk } from './answer-text.js';

describe('the text of an answer', () => {
  it.each([
    ['a chat', { choices: [{ message: { content: 'Hello.' } }] }, 'Hello.'],
    [
      'several choices',
      { choices: [{ message: { content: 'One.' } }, { message: { content: 'Two.' } }] },
      'One.\n\nTwo.',
    ],
    ['a completion', { choices: [{ text: 'Hello.' }] }, 'Hello.'],
    [
      'a message that was thought over',
      { content: [{ type: 'thinking' }, { type: 'text', text: 'Hello.' }] },
      'Hello.',
    ],
    ['a response', { output: [{ type: 'reasoning' }, { type: 'message', content: [{ text: 'Hello.' }] }] }, 'Hello.'],
  ])('of %s is what it says', (_, answer, text) => {
    expect(textOfAnswer(answer)).toBe(text);
  });

  it.each([
    ['a call of tools', { choices: [{ message: { content: null, tool_calls: [{}] } }] }],
    ['a response that calls a function', { output: [{ type: 'function_call' }] }],
    ['a message that uses a tool', { content: [{ type: 'text', text: 'Now.' }, { type: 'tool_use' }] }],
    ['embeddings', { data: [{ embedding: [1] }] }],
  ])('of %s is all of it, as JSON', (_, answer) => {
    expect(JSON.parse(textOfAnswer(answer))).toEqual(answer);
  });

  it.each([
    ['chat', { choices: [{ delta: { content: 'a' } }] }, 'a'],
    ['its role', { choices: [{ delta: {} }] }, ''],
    ['its usage', { choices: [] }, ''],
    ['completions', { choices: [{ text: 'a' }] }, 'a'],
    ['responses', { type: 'response.output_text.delta', delta: 'a' }, 'a'],
    ['their end', { type: 'response.completed' }, ''],
    ['messages', { type: 'content_block_delta', delta: { text: 'a' } }, 'a'],
    ['their tools', { type: 'content_block_delta', delta: {} }, ''],
  ])('of a chunk of %s is what it adds', (_, chunk, text) => {
    expect(textOfChunk(chunk)).toBe(text);
  });

  it('steers no terminal', () => {
    expect(harmless('one\n\ttwo\u001b[31m\u0007\r')).toBe('one\n\ttwo [31m ');
  });
});
