import { describe, expect, it } from '@jest/globals';
import { messagesProblem } from './messages-problem.js';
import { messagesToChat } from './messages-to-chat.js';

const form = (members: Record<string, unknown>) =>
  messagesToChat({ model: 'g', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...members });
const chat = (members: Record<string, unknown>) => form(members).body;
const said = (...content: unknown[]) => chat({ messages: [{ role: 'user', content }] }).messages;
const answered = (...content: unknown[]) => chat({ messages: [{ role: 'assistant', content }] }).messages[0];

describe('a Messages call in chat', () => {
  it('keeps model, limit and plain text', () => {
    expect(form({})).toEqual({
      body: { model: 'g', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
      unsaid: [],
    });
  });

  it('W20: says the system first, in one text or in parts with their marks', () => {
    expect(chat({ system: 'Be brief.' }).messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
    const system = [
      { type: 'text', text: 'A', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'B' },
    ];
    expect(chat({ system }).messages[0]).toEqual({ role: 'system', content: system });
  });

  it('W21: shows images and files', () => {
    expect(
      said(
        { type: 'text', text: 'See' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
        { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' } },
        { type: 'document', title: 'Notes', source: { type: 'text', media_type: 'text/plain', data: 'Text.' } },
        { type: 'search_result', title: 'T', source: 'S', content: [{ type: 'text', text: 'found' }] },
      ),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,BBBB', filename: 'a.pdf' } },
          { type: 'text', text: 'Notes\n\nText.' },
          { type: 'text', text: 'T\nS\n\nfound' },
        ],
      },
    ]);
  });

  it('W22: puts the results of tools before what else the user says, images after them', () => {
    const image = { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } };
    expect(
      said(
        { type: 'text', text: 'Here.' },
        { type: 'tool_result', tool_use_id: 'a', content: 'one' },
        { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'two' }, image] },
      ),
    ).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: 'two' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
          { type: 'text', text: 'Here.' },
        ],
      },
    ]);
  });

  it('W25: keeps thoughts and calls of the assistant', () => {
    const thought = { type: 'thinking', thinking: 'hm', signature: 'S' };
    expect(
      answered(thought, { type: 'text', text: 'So' }, { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }),
    ).toEqual({
      role: 'assistant',
      content: 'So',
      thinking_blocks: [thought],
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }],
    });
    expect(answered({ type: 'tool_use', id: 'a', name: 'f', input: {} })).toMatchObject({ content: null });
  });

  it.each([
    [{ type: 'auto' }, { tool_choice: 'auto' }],
    [{ type: 'any' }, { tool_choice: 'required' }],
    [{ type: 'none' }, { tool_choice: 'none' }],
    [{ type: 'tool', name: 'f' }, { tool_choice: { type: 'function', function: { name: 'f' } } }],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { tool_choice: 'auto', parallel_tool_calls: false },
    ],
  ])('chooses tools by %j', (choice, members) => {
    expect(chat({ tool_choice: choice })).toMatchObject(members);
  });

  it('describes tools, and says which it cannot', () => {
    const schema = { type: 'object', properties: {} };
    const { body, unsaid } = form({
      tools: [
        { name: 'f', description: 'D', input_schema: schema },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
    });
    expect(body['tools']).toEqual([
      { type: 'function', function: { name: 'f', description: 'D', parameters: schema } },
    ]);
    expect(unsaid).toEqual(['tools[1].type']);
  });

  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 4_096 } }, 'high'],
    [{ thinking: { type: 'enabled', budget_tokens: 2_048 } }, 'medium'],
    [{ thinking: { type: 'enabled', budget_tokens: 1_024 } }, 'low'],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }, 'max'],
    [{ output_config: { effort: 'low' } }, 'low'],
    [{ thinking: { type: 'adaptive' } }, undefined],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, undefined],
  ])('thinks as long as %j says', (members, effort) => {
    expect(chat(members)['reasoning_effort']).toBe(effort);
  });

  it('asks for a schema strictly where every member is required', () => {
    const closed = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    };
    const strictOf = (schema: unknown) =>
      (chat({ output_config: { format: { type: 'json_schema', schema } } })['response_format'] as any).json_schema;
    expect(strictOf(closed)).toEqual({ name: 'answer', schema: closed, strict: true });
    expect(strictOf({ ...closed, required: [] })).not.toHaveProperty('strict');
  });

  it('leaves hints out, passes what is for Sluice, and says what chat cannot', () => {
    const { body, unsaid } = form({
      service_tier: 'auto',
      fallbacks: ['other'],
      metadata: { user_id: 'u', tags: ['t'] },
      mcp_servers: [{}],
      messages: [
        { role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'x' },
            { type: 'document', source: { type: 'url', url: 'u' } },
          ],
        },
      ],
    });
    expect(body).toMatchObject({ fallbacks: ['other'], user: 'u' });
    expect(unsaid).toEqual(['messages[0].content[0].type', 'messages[1].content[1].source.type', 'mcp_servers']);
  });
});

describe('a body of Messages', () => {
  const body = { model: 'g', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };

  it('is right', () => {
    expect(messagesProblem(body)).toBeUndefined();
  });

  it.each([
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ messages: [] }, 'messages'],
    [{ messages: ['Hi'] }, 'messages.0'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ role: 'user' }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: [{}] }] }, 'messages.0.content.0'],
    [{ system: 7 }, 'system'],
    [{ stream: 'yes' }, 'stream'],
    [{ tools: ['f'] }, 'tools'],
    [{ stop_sequences: 'x' }, 'stop_sequences'],
    [{ temperature: 2 }, 'temperature'],
  ])('is refused with %j', (members, param) => {
    expect(messagesProblem({ ...body, ...members })).toMatchObject({ code: 'invalid_request', param });
  });
});
