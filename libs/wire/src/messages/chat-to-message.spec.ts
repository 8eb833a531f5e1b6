import { describe, expect, it } from '@jest/globals';
import { chatToMessage } from './chat-to-message.js';
import { messagesErrorBody } from './messages-error.js';

const WHO = { jobId: 'job_0123', createdAtMs: 0, model: 'g' };
const read = (message: object, finish: string, more: object = {}): Record<string, any> => {
  const usage = {
    prompt_tokens: 20,
    completion_tokens: 7,
    prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
  };
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish, ...more }];
  const chat = { id: 'chatcmpl-0123', object: 'chat.completion', model: 'g', choices, usage };
  return JSON.parse(chatToMessage(Buffer.from(JSON.stringify(chat)), WHO).toString()) as Record<string, any>;
};

describe('a chat completion as a Message', () => {
  it('has the job’s id, and counts cached input beside the rest', () => {
    expect(read({ content: 'Hello.' }, 'stop')).toEqual({
      id: 'msg_0123',
      type: 'message',
      role: 'assistant',
      model: 'g',
      content: [{ type: 'text', text: 'Hello.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: 12,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 5,
        output_tokens: 7,
      },
    });
  });

  it.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['tool_calls', 'tool_use'],
    ['content_filter', 'refusal'],
    ['whatever', 'end_turn'],
  ])('stops with %s as %s', (finish, reason) => {
    expect(read({ content: 'x' }, finish)['stop_reason']).toBe(reason);
  });

  it('keeps the word of a Claude that was asked in chat', () => {
    expect(read({ content: 'x' }, 'stop', { native_finish_reason: 'pause_turn' })['stop_reason']).toBe('pause_turn');
  });

  it('W51: has thoughts, text and parallel tools, whose numbers keep their digits', () => {
    const call = (id: string, args: string) => ({ id, type: 'function', function: { name: 'f', arguments: args } });
    const chat = {
      model: 'g',
      choices: [
        {
          message: {
            reasoning_content: 'hm',
            content: 'So',
            tool_calls: [call('a', '{"n":12345678901234567890}'), call('b', ''), call('c', '[1]'), call('d', '{"x"')],
          },
          finish_reason: 'tool_calls',
        },
      ],
    };
    const text = chatToMessage(Buffer.from(JSON.stringify(chat)), WHO).toString();
    expect(text).toContain('"input":{"n":12345678901234567890}');
    expect((JSON.parse(text) as Record<string, any>)['content']).toMatchObject([
      { type: 'thinking', thinking: 'hm', signature: '' },
      { type: 'text', text: 'So' },
      { type: 'tool_use', id: 'a', name: 'f' },
      { id: 'b', input: {} },
      { id: 'c', input: { input: [1] } },
      { id: 'd', input: { input: '{"x"' } },
    ]);
  });

  it('W52: passes a Message byte by byte', () => {
    const message = Buffer.from('{"id":"msg_0123", "type":"message","content":[{"type":"new_kind","n":1.0}]}');
    expect(chatToMessage(message, WHO)).toBe(message);
  });
});

describe('an error in Anthropic’s words', () => {
  it.each([
    ['invalid_request', 'invalid_request_error'],
    ['invalid_api_key', 'authentication_error'],
    ['model_not_found', 'not_found_error'],
    ['request_too_large', 'request_too_large'],
    ['no_capacity', 'rate_limit_error'],
    ['internal_error', 'api_error'],
    ['provider_error', 'api_error'],
    ['no_worker', 'overloaded_error'],
    ['wait_timeout', 'timeout_error'],
  ] as const)('%s is %s', (code, type) => {
    expect(JSON.parse(messagesErrorBody({ code, message: 'M' }, 'job_1', 'req_1'))).toEqual({
      type: 'error',
      error: { type, message: 'M' },
      request_id: 'req_1',
    });
  });
});
