import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { responsesToChat } from './request-to-chat.js';
import { packThoughts } from './thoughts.js';

const ask = (members: Record<string, unknown>): Record<string, unknown> => {
  const made = responsesToChat({ model: 'g', input: 'Hi', ...members });
  if (made.kind === 'refused') throw new Error(made.error.message);
  return made.body;
};
const messages = (input: unknown, more: Record<string, unknown> = {}): unknown => ask({ input, ...more })['messages'];
const refusedAt = (members: Record<string, unknown>): string | undefined => {
  const made = responsesToChat({ model: 'g', input: 'Hi', ...members });
  return made.kind === 'refused' ? made.error.param : undefined;
};

const CALL = { type: 'function_call', call_id: 'c1', name: 'geo', arguments: '{"n":1.0}' };
const CHAT_CALL = { id: 'c1', type: 'function', function: { name: 'geo', arguments: '{"n":1.0}' } };

describe('W53: a request to Responses as a chat completion', () => {
  it('takes a text, instructions first', () => {
    expect(ask({ instructions: 'Be brief.' })).toEqual({
      model: 'g',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    });
  });

  it('puts what was said before between instructions and input', () => {
    const previous = [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ];
    const made = responsesToChat(
      { model: 'g', input: 'three', instructions: 'I', previous_response_id: 'r' },
      previous,
    );
    expect(made).toMatchObject({
      body: { messages: [{ role: 'system' }, ...previous, { role: 'user', content: 'three' }] },
    });
    expect(made).not.toHaveProperty('body.previous_response_id');
  });

  it('takes messages of all roles and parts of all kinds', () => {
    expect(
      messages([
        { role: 'developer', content: 'D' },
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look' },
            { type: 'input_image', image_url: 'data:image/png;base64,iVBO', detail: 'low' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' },
            { type: 'input_file', file_url: 'http://127.0.0.1/a.pdf' },
          ],
        },
        { role: 'user', content: [{ type: 'input_text', text: 'alone' }] },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [
            { type: 'output_text', text: 'one ', annotations: [] },
            { type: 'output_text', text: 'two' },
          ],
        },
      ]),
    ).toEqual([
      { role: 'developer', content: 'D' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO', detail: 'low' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
          { type: 'file', file: { file_data: 'http://127.0.0.1/a.pdf' } },
        ],
      },
      { role: 'user', content: 'alone' },
      { role: 'assistant', content: 'one two' },
    ]);
  });

  it('makes one message of neighbouring thoughts, words and calls, with the outputs behind it', () => {
    const thoughts = [{ type: 'thinking', thinking: 'hm', signature: 's' }];
    expect(
      messages([
        { role: 'user', content: 'Weather?' },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: packThoughts(thoughts) },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Let me see.' }] },
        CALL,
        { ...CALL, call_id: 'c2' },
        { type: 'function_call_output', call_id: 'c1', output: 'Bern' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'Rome' }] },
        { role: 'assistant', content: 'A' },
        { role: 'assistant', content: 'B' },
      ]),
    ).toEqual([
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: 'Let me see.',
        thinking_blocks: thoughts,
        tool_calls: [CHAT_CALL, { ...CHAT_CALL, id: 'c2' }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'Bern' },
      { role: 'tool', tool_call_id: 'c2', content: 'Rome' },
      { role: 'assistant', content: 'A' },
      { role: 'assistant', content: 'B' },
    ]);
  });

  it('leaves reasoning of other makers out', () => {
    expect(
      messages([
        { type: 'reasoning', encrypted_content: 'gAAAA' },
        { role: 'user', content: 'x' },
      ]),
    ).toEqual([{ role: 'user', content: 'x' }]);
  });

  it('re-nests tools, choices and the form of the text', () => {
    const tool = { type: 'function', name: 'geo', description: 'd', parameters: { type: 'object' }, strict: true };
    const chatTool = {
      type: 'function',
      function: { name: 'geo', description: 'd', parameters: { type: 'object' }, strict: true },
    };
    expect(
      ask({
        tools: [tool],
        tool_choice: { type: 'function', name: 'geo' },
        parallel_tool_calls: false,
        text: {
          format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true },
          verbosity: 'low',
        },
        reasoning: { effort: 'low', summary: 'auto' },
        max_output_tokens: 20,
      }),
    ).toMatchObject({
      tools: [chatTool],
      tool_choice: { type: 'function', function: { name: 'geo' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: true } },
      verbosity: 'low',
      reasoning_effort: 'low',
      max_completion_tokens: 20,
    });
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'geo' }] };
    expect(ask({ tools: [tool, { ...tool, name: 'other' }], tool_choice: allowed })).toMatchObject({
      tools: [chatTool],
      tool_choice: 'required',
    });
  });

  it('says nothing of tools where there are none', () => {
    expect(ask({ tools: [], tool_choice: 'auto', parallel_tool_calls: true })).toEqual({
      model: 'g',
      messages: expect.anything(),
    });
  });

  it('asks streams for their usage, and for log probabilities where they are wanted', () => {
    expect(ask({ stream: true, stream_options: { include_obfuscation: false } })).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(ask({ top_logprobs: 2 })).toMatchObject({ logprobs: true, top_logprobs: 2 });
    expect(ask({ include: ['message.output_text.logprobs'] })).toMatchObject({ logprobs: true });
  });

  it('hands on what chat knows by the same name, and keeps what is for Sluice', () => {
    const shared = { temperature: 0.2, top_p: 0.5, user: 'u', service_tier: 'flex', fallbacks: ['h'], top_k: 3 };
    const made = ask({ ...shared, store: true, background: true, metadata: { a: 'b' }, truncation: 'auto' });
    expect(made).toEqual({ model: 'g', messages: expect.anything(), ...shared });
  });

  it.each<[string, Record<string, unknown>]>([
    ['input', { input: 7 }],
    ['input[1]', { input: [{ role: 'user', content: 'x' }, 'text'] }],
    ['input[0].type', { input: [{ type: 'computer_call_output', call_id: 'x' }] }],
    ['input[0].role', { input: [{ role: 'tool', content: 'x' }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'video' }] }] }],
    ['input[0].content[0].file_id', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }],
    ['input[0].call_id', { input: [{ type: 'function_call', name: 'f', arguments: '' }] }],
    ['tools[1].type', { tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }] }],
    ['tools[0].name', { tools: [{ type: 'function' }] }],
    ['tool_choice.type', { tool_choice: { type: 'file_search' } }],
    ['text.format.type', { text: { format: { type: 'grammar' } } }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['instructions', { instructions: [{ role: 'user', content: 'x' }] }],
    ['conversation', { conversation: 'conv_1' }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['store', { store: 'yes' }],
    ['metadata', { metadata: ['x'] }],
  ])('refuses and names %s', (param, members) => {
    expect(refusedAt(members)).toBe(param);
  });

  it('never throws, whatever it is given', () => {
    const keys = ['type', 'role', 'content', 'call_id', 'output', 'encrypted_content', 'text', 'name', 'image_url'];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, 1, 'x', 'message', 'function', 'reasoning', 'function_call_output', 'input_text', 'user'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const members = ['input', 'tools', 'tool_choice', 'text', 'reasoning', 'include', 'instructions'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...members), tree), (asked) => {
        expect(['chat', 'refused']).toContain(responsesToChat({ model: 'g', ...asked }).kind);
      }),
      { numRuns: 1_000 },
    );
  });
});
