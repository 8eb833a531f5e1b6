import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { roleChunk, usageChunk } from '../openai/chat-chunk.js';
import { SSE_DONE, sseData } from '../sse.js';
import { MessageEvents } from './message-events.js';

const WHO = { jobId: 'job_0123', createdAtMs: 0, model: 'g' };
const CHUNKS = { id: 'chatcmpl-0123', createdAt: 0, model: 'g' };
type Event = Record<string, any>;

const chunk = (delta: object, finish: string | null = null): string =>
  sseData(JSON.stringify({ model: 'g', choices: [{ index: 0, delta, finish_reason: finish }] }));
const tool = (index: number, members: object): string => chunk({ tool_calls: [{ index, ...members }] });
const begun = (index: number, id: string): string => tool(index, { id, function: { name: 'f', arguments: '' } });
const more = (index: number, args: string): string => tool(index, { function: { arguments: args } });
const ROLE = sseData(roleChunk(CHUNKS, 0, true));
const USAGE = sseData(usageChunk(CHUNKS, { prompt_tokens: 9, completion_tokens: 15 }));

/** The data of the events; that each is named by its type is looked at on the way. */
function read(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((each) => each !== '')
    .map((each) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(each)!;
      const event = JSON.parse(data!) as Event;
      expect(event['type']).toBe(name);
      return event;
    });
}

function fold(pushes: readonly string[], rest: string): Event[] {
  const events = new MessageEvents(WHO);
  return read(events.open() + pushes.map((each) => events.push(each)).join('') + events.end(rest));
}

const kinds = (events: readonly Event[]): string[] =>
  events.map(({ type, index }) => (index === undefined ? type : `${type} ${index}`));
const textIn = (events: readonly Event[], index: number): string =>
  events
    .filter((event) => event['index'] === index && event['delta'] !== undefined)
    .map(({ delta }) => delta.text ?? delta.thinking ?? delta.partial_json ?? '')
    .join('');

describe('a chat stream as the events of a Message', () => {
  it('W51: has text, then one tool, as WIRE-SAMPLES 12 writes them', () => {
    const events = fold(
      [
        ROLE + chunk({ content: 'Hel' }),
        chunk({ content: 'lo' }),
        begun(0, 'call_1') + more(0, '{"a"'),
        more(0, ':1}'),
      ],
      chunk({}, 'tool_calls') + USAGE + SSE_DONE,
    );
    expect(events).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'msg_0123',
          type: 'message',
          role: 'assistant',
          model: 'g',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: expect.objectContaining({ output_tokens: 0 }),
        },
      },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'call_1', name: 'f', input: {} },
      },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"a"' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: ':1}' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { input_tokens: 9, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 15 },
      },
      { type: 'message_stop' },
    ]);
  });

  it('W51: streams the first of parallel tools, and brings the others whole at the end', () => {
    const events = fold(
      [begun(0, 'a') + begun(1, 'b'), more(1, '{"b"') + more(0, '{"a"') + more(1, ':2}') + more(0, ':1}')],
      chunk({}, 'tool_calls') + SSE_DONE,
    );
    expect(textIn(events, 0)).toBe('{"a":1}');
    expect(textIn(events, 1)).toBe('{"b":2}');
  });

  it('W25: signs a thought when its signature comes, and passes hidden ones', () => {
    const events = fold(
      [
        chunk({ reasoning_content: 'h' }) + chunk({ reasoning_content: 'm' }),
        chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'S' }] }),
        chunk({ thinking_blocks: [{ type: 'redacted_thinking', data: 'D' }] }) + chunk({ content: 'So' }),
      ],
      chunk({}, 'stop') + SSE_DONE,
    );
    expect(textIn(events, 0)).toBe('hm');
    expect(events).toContainEqual({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'signature_delta', signature: 'S' },
    });
    expect(events).toContainEqual({
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'redacted_thinking', data: 'D' },
    });
    expect(textIn(events, 2)).toBe('So');
  });

  it('has an answer without content', () => {
    expect(kinds(fold([], chunk({}, 'stop') + SSE_DONE))).toEqual([
      'message_start',
      'ping',
      'message_delta',
      'message_stop',
    ]);
  });

  it('tells of an answer that broke off in the error event', () => {
    const events = new MessageEvents(WHO);
    expect(read(events.fail({ code: 'upstream_interrupted', message: 'Broken.' }))).toEqual([
      { type: 'error', error: { type: 'api_error', message: 'Broken.' }, request_id: null },
    ]);
  });
});

describe('the events of an Anthropic deployment', () => {
  const START = {
    type: 'message_start',
    message: {
      id: 'msg_0123',
      model: 'g',
      usage: { input_tokens: 9, cache_creation: { ephemeral_1h_input_tokens: 2 } },
    },
  };
  const native = (...events: object[]): string => events.map((each) => sseData(JSON.stringify(each))).join('');
  const block = { type: 'content_block_start', index: 0, content_block: { type: 'new_kind', of: [1] } };

  it('W52: pass as they are, with their usage and the sequence that stopped them', () => {
    const events = fold(
      [ROLE + native(START, block, { type: 'content_block_stop', index: 0 })],
      native({
        type: 'message_delta',
        delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' },
        usage: { output_tokens: 3, input_tokens: null, server_tool_use: { web_search_requests: 1 } },
      }) +
        USAGE +
        SSE_DONE,
    );
    expect(kinds(events)).toEqual([
      'message_start',
      'ping',
      'content_block_start 0',
      'content_block_stop 0',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]!['message'].usage).toEqual(START.message.usage);
    expect(events[2]).toEqual(block);
    expect(events[4]).toMatchObject({
      delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' },
      usage: { ...START.message.usage, output_tokens: 3, server_tool_use: { web_search_requests: 1 } },
    });
  });

  it('are gone on with by chunks in the block that was open', () => {
    const events = fold(
      [
        native(
          START,
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
        ),
        chunk({ content: 'lo' }),
      ],
      chunk({}, 'stop') + USAGE + SSE_DONE,
    );
    expect(textIn(events, 0)).toBe('Hello');
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 9, output_tokens: 15 },
    });
  });
});

describe('of any chat stream', () => {
  const words = fc.string({ minLength: 1, maxLength: 5 });
  const piece = fc.oneof(
    words.map((content) => chunk({ content })),
    words.map((thought) => chunk({ reasoning_content: thought })),
    fc.nat(2).map((index) => begun(index, `call_${index}`)),
    fc.tuple(fc.nat(2), words).map(([index, args]) => more(index, args)),
    words.map((signature) => chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'x', signature }] })),
  );
  const REST = chunk({}, 'stop') + USAGE + SSE_DONE;

  it('blocks count from 0 and never overlap, and any cut of the chunks gives the same events', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(30), { maxLength: 5 }), (pieces, cuts) => {
        const events = fold(pieces, REST);
        const seen = events.flatMap(({ type, index }) => (index === undefined ? [] : [`${type} ${index}`]));
        const wanted = [...new Set(seen.map((each) => each.split(' ')[1]!))].flatMap((index, i) => [
          `content_block_start ${i}`,
          ...seen.filter((each) => each === `content_block_delta ${index}`),
          `content_block_stop ${i}`,
        ]);
        expect(seen).toEqual(wanted);

        const at = [0, ...cuts.toSorted((a, b) => a - b), pieces.length];
        const pushes = at.slice(1).map((to, i) => pieces.slice(at[i], to).join(''));
        expect(fold(pushes, REST)).toEqual(events);
      }),
    );
  });
});
