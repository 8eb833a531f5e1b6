import { describe, expect, it } from '@jest/globals';
import type { StreamEvent } from '../adapter.js';
import { callOf, chunksOf, deploymentOf, readStream, sse } from '../test-calls.js';

const openai = deploymentOf({});
const call = callOf({ stream: true });

const chunk = (delta: unknown, finish: string | null = null, rest: Record<string, unknown> = {}, index = 0) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-x',
  choices: [{ index, delta, finish_reason: finish }],
  ...rest,
});
const ROLE = chunk({ role: 'assistant', content: '' });
const read = (text: string, of = call) => readStream(of, openai, text);
const kinds = (events: readonly StreamEvent[]) => events.map(({ kind }) => kind);

describe('a stream of OpenAI chunks', () => {
  it('W1 text: id, created and model are ours, the role chunk and empty deltas are dropped', () => {
    const events = read(
      sse(ROLE, chunk({ content: 'Hi' }), chunk({}), chunk({ content: '' }), chunk({}, 'stop'), '[DONE]'),
    );
    expect(kinds(events)).toEqual(['chunk', 'chunk', 'usage', 'end']);
    expect(chunksOf(events)).toEqual([
      { ...chunk({ content: 'Hi' }), id: 'chatcmpl-1', created: 1_700_000_000, model: 'asked' },
      { ...chunk({}, 'stop'), id: 'chatcmpl-1', created: 1_700_000_000, model: 'asked' },
    ]);
    expect(events[0]).toMatchObject({ hasContent: true, contentChars: 2, finishes: [] });
    expect(events[1]).toMatchObject({ hasContent: false, finishes: [{ choice: 0, reason: 'stop', native: 'stop' }] });
  });

  it('W2 usage is swallowed, told once, and taken out of other chunks', () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 4,
      total_tokens: 13,
      prompt_tokens_details: { cached_tokens: 3 },
    };
    const text = sse(
      chunk({ content: 'a' }, null, { usage: null }),
      chunk({ content: 'b' }, null, { usage: { prompt_tokens: 9, completion_tokens: 1 } }),
      chunk({}, 'stop', { usage: null }),
      { ...ROLE, choices: [], usage },
      '[DONE]',
    );
    const events = read(text);
    for (const each of chunksOf(events)) expect(each).not.toHaveProperty('usage');
    expect(events.at(-2)).toEqual({
      kind: 'usage',
      usage: { prompt: 9, completion: 4, cached: 3, cacheWrite: 0, reasoning: 0, estimated: false },
    });
    const asked = chunksOf(read(text, callOf({ stream: true, stream_options: { include_usage: true } })));
    expect(asked.map((each) => each['usage'])).toEqual([null, null, null]);
  });

  it('W3 n=2 interleaved: complete when both have finished, and nothing follows a finish', () => {
    const two = callOf({ stream: true, n: 2 });
    const parts = [
      chunk({ content: 'a' }, null, {}, 0),
      chunk({ content: 'b' }, null, {}, 1),
      chunk({}, 'stop', {}, 1),
      chunk({ content: 'late' }, null, {}, 1),
      {
        ...ROLE,
        choices: [
          { index: 1, delta: { content: 'late' }, finish_reason: null },
          { index: 0, delta: { content: 'c' }, finish_reason: null },
        ],
      },
    ];
    const events = read(sse(...parts, chunk({}, 'length', {}, 0)), two);
    expect(kinds(events)).toEqual(['chunk', 'chunk', 'chunk', 'chunk', 'chunk', 'usage', 'end']);
    expect(chunksOf(events)[3]?.['choices']).toEqual([{ index: 0, delta: { content: 'c' }, finish_reason: null }]);
    expect(read(sse(...parts), two).at(-1)).toMatchObject({
      kind: 'failure',
      failure: { kind: 'stream_broken', afterTokens: 3 },
    });
  });

  it('W4 parallel tools interleaved', () => {
    const tool = (index: number, rest: object) => chunk({ tool_calls: [{ index, ...rest }] });
    const events = read(
      sse(
        tool(0, { id: 'call_A', type: 'function', function: { name: 'f', arguments: '' } }),
        tool(1, { id: 'call_B', type: 'function', function: { name: 'g', arguments: '' } }),
        tool(0, { function: { arguments: '{"ci' } }),
        tool(1, { function: { arguments: '{}' } }),
        tool(0, { function: { arguments: 'ty":1}' } }),
        chunk({}, 'tool_calls'),
        '[DONE]',
      ),
    );
    expect(kinds(events)).toEqual([...Array.from({ length: 6 }, () => 'chunk'), 'usage', 'end']);
    expect(events[0]).toMatchObject({ hasContent: true, contentChars: 1 });
    expect(events[5]).toMatchObject({ finishes: [{ reason: 'tool_calls' }] });
  });

  it('W5 logprobs, refusal, unknown fields and whole numbers over 2^53 pass as they are written', () => {
    const raw = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-x","x":12345678901234567890,"choices":[{"index":0,"delta":{"refusal":"No"},"logprobs":{"content":[{"token":"a","logprob":-1.0}]},"finish_reason":null,"y":9007199254740993}]}`;
    const [first, second] = read(sse(raw, raw, chunk({}, 'stop'), '[DONE]'));
    const expected = raw
      .replace('"c1"', '"chatcmpl-1"')
      .replace('"created":1,', '"created":1700000000,')
      .replace('gpt-x', 'asked');
    expect(first).toMatchObject({ text: expected, hasContent: true });
    expect(second).toMatchObject({ text: expected });
  });

  it('W6 a finish without [DONE] is a complete answer; usage is then estimated', () => {
    const events = read(sse(chunk({ content: 'twelve chars' }), chunk({}, 'stop')));
    expect(events.slice(-2)).toEqual([
      { kind: 'usage', usage: { prompt: 3, completion: 3, cached: 0, cacheWrite: 0, reasoning: 0, estimated: true } },
      { kind: 'end' },
    ]);
  });

  it('W6 what comes after the finish, even an error, takes nothing away', () => {
    for (const tail of [sse({ error: { message: 'late' } }), 'data: {bad\n\n', 'data: {"id"']) {
      expect(read(sse(chunk({ content: 'a' }), chunk({}, 'stop')) + tail).at(-1)).toEqual({ kind: 'end' });
    }
  });

  it('W7 [DONE] without a finish is a broken stream', () => {
    expect(read(sse(chunk({ content: 'a' }), '[DONE]')).at(-1)).toMatchObject({
      failure: { kind: 'stream_broken', afterTokens: 1 },
    });
    expect(kinds(read(sse(ROLE, '[DONE]')))).toEqual(['failure']);
  });

  it('W8 cut before and after the first token', () => {
    const before = read(sse(ROLE));
    expect(before).toEqual([{ kind: 'failure', failure: { kind: 'stream_broken', message: expect.any(String) } }]);
    expect(read(sse(ROLE, chunk({ content: 'a' }), chunk({ content: 'b' }))).at(-1)).toMatchObject({
      failure: { kind: 'stream_broken', afterTokens: 2 },
    });
  });

  it.each(['{bad', '[1]', '"text"', '12', '{"choices":[{"delta":{"content":"x"'])('W9 bad JSON: %s', (data) => {
    expect(read(sse(chunk({ content: 'a' }), data)).at(-1)).toMatchObject({
      failure: { kind: 'malformed', afterTokens: 1 },
    });
  });

  it.each([
    ['an error member', sse({ error: { message: 'm', type: 'server_error', param: null, code: null } }), 'server'],
    ['an error event', 'event: error\ndata: {"message":"too many","code":429}\n\n', 'rate_limit'],
    ['an error event with bare text', 'event: error\ndata: gone\n\n', 'server'],
    ["vLLM's object", sse({ object: 'error', message: 'm', type: 'BadRequestError', code: 400 }), 'bad_request'],
    [
      "OpenRouter's error beside a choice",
      sse(chunk({ content: '' }, 'error', { error: { code: 502, message: 'm' } })),
      'server',
    ],
    ['a finish that says error', sse(chunk({}, 'error')), 'server'],
    ['a flat error', sse({ message: 'm', code: 'rate_limit_exceeded' }), 'rate_limit'],
    ['a detail', sse({ detail: 'Not authenticated' }), 'server'],
    ['an error text', sse({ error: 'Overloaded' }), 'overloaded'],
    ['a context error', sse({ error: { message: 'm', code: 'context_length_exceeded' } }), 'context_length'],
    ['a spent quota', sse({ error: { message: 'm', type: 'insufficient_quota' } }), 'quota_exhausted'],
  ])('W10 in-band: %s', (_name, text, kind) => {
    expect(read(text).at(-1)).toMatchObject({ kind: 'failure', failure: { kind } });
    const later = read(sse(chunk({ content: 'a' })) + text).at(-1);
    expect(later).toMatchObject({ kind: 'failure', failure: { kind, afterTokens: 1 } });
  });

  it('W11 JSON for a stream: an error is one, an answer is replayed as chunks', () => {
    expect(read('{"error":{"message":"m","code":429}}')).toMatchObject([
      { kind: 'failure', failure: { kind: 'rate_limit' } },
    ]);
    const answer = {
      id: 'x',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Hi',
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    };
    const events = read(` \n${JSON.stringify(answer)}`);
    expect(kinds(events)).toEqual(['chunk', 'chunk', 'usage', 'end']);
    expect(chunksOf(events)[0]).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      choices: [{ delta: { content: 'Hi', tool_calls: [{ index: 0, id: 'c' }] }, finish_reason: null }],
    });
    expect(chunksOf(events)[1]).toMatchObject({ choices: [{ delta: {}, finish_reason: 'tool_calls' }] });
    expect(events[1]).toMatchObject({ finishes: [{ choice: 0, reason: 'tool_calls' }] });
  });

  it.each(['<html>bad gateway</html>', '', ' \n\n '])('W11 HTML and nothing are malformed: %j', (text) => {
    expect(read(text)).toMatchObject([{ kind: 'failure', failure: { kind: 'malformed' } }]);
  });

  it('W12 CRLF, comments, BOM and split UTF-8 change nothing', () => {
    const plain = sse(ROLE, chunk({ content: 'é😀' }), chunk({}, 'stop'), '[DONE]');
    const odd = `\uFEFF: hello\r\n\r\n${plain.replaceAll('data: ', 'data:').replaceAll('\n', '\r\n')}`;
    for (const size of [1, 2, 3, 7, 1_000]) expect(readStream(call, openai, odd, size)).toEqual(read(plain));
  });

  it('W12 a chunk over several data lines becomes one line', () => {
    const text =
      'data: {"id":"c1","object":"chat.completion.chunk","created":1,\ndata: "model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n';
    expect(read(text)[0]).toMatchObject({ text: expect.not.stringContaining('\n'), hasContent: true });
  });

  it('W16 reasoning, array content, x_groq and the usage of xAI', () => {
    const events = read(
      sse(
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
        chunk({ content: [{ type: 'text', text: 'Hi' }] }),
        chunk({ reasoning: 'so' }),
        chunk({ reasoning_content: 'and' }),
        chunk({}, 'stop', { x_groq: { usage: { prompt_tokens: 5, completion_tokens: 6 } } }),
        '[DONE]',
      ),
    );
    expect(
      chunksOf(events)
        .slice(0, 4)
        .map((each) => each['choices'][0].delta),
    ).toEqual([
      { content: '', reasoning_content: 'hm' },
      { content: 'Hi' },
      { reasoning_content: 'so' },
      { reasoning_content: 'and' },
    ]);
    expect(events.at(-2)).toMatchObject({ usage: { prompt: 5, completion: 6, estimated: false } });
    const xai = {
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 17,
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    expect(read(sse(chunk({ content: 'a' }, 'stop', { usage: xai }))).at(-2)).toMatchObject({
      usage: { completion: 7, reasoning: 5 },
    });
  });

  it('a finish that OpenAI does not know is a stop, in the text too', () => {
    for (const native of ['eos', 'constructor']) {
      const events = read(sse(chunk({ content: 'a' }), chunk({}, native)));
      expect(events[1]).toMatchObject({ finishes: [{ reason: 'stop', native }] });
      expect(chunksOf(events)[1]?.['choices'][0].finish_reason).toBe('stop');
    }
  });

  it('an answer filtered before anything came is a failure; later it is a finish', () => {
    expect(read(sse(ROLE, chunk({}, 'content_filter'), '[DONE]'))).toMatchObject([
      { failure: { kind: 'content_filter' } },
    ]);
    const later = read(sse(chunk({ content: 'a' }), chunk({}, 'content_filter'), '[DONE]'));
    expect(later).toMatchObject([
      { kind: 'chunk' },
      { finishes: [{ reason: 'content_filter' }] },
      { kind: 'usage' },
      { kind: 'end' },
    ]);
  });

  it('an empty answer that stopped is an answer', () => {
    expect(kinds(read(sse(ROLE, chunk({}, 'length'), '[DONE]')))).toEqual(['chunk', 'usage', 'end']);
  });

  it('follows a head that changes in mid-stream', () => {
    const text = sse(
      chunk({ content: 'a' }),
      { ...chunk({ content: 'b' }), model: 'gpt-y' },
      { choices: chunk({ content: 'c' }).choices, model: 'z' },
      chunk({}, 'stop'),
    );
    for (const each of chunksOf(read(text))) {
      expect(each).toMatchObject({
        id: 'chatcmpl-1',
        created: 1_700_000_000,
        model: 'asked',
        object: 'chat.completion.chunk',
      });
    }
  });
});

describe('Azure', () => {
  it.each([
    [
      'beside a filter result',
      { index: 0, delta: { role: 'assistant', content: '' }, content_filter_results: { hate: { filtered: false } } },
    ],
    ['in the chunk of the first content', { index: 0, delta: { role: 'assistant', content: 'Hi' } }],
    ['repeated by each chunk', { index: 0, delta: { content: 'Hi', role: 'assistant' } }],
  ])('W1 W19 a role %s is dropped: the runner writes the one that callers see', (_, choice) => {
    const finish = { index: 0, delta: {}, finish_reason: 'stop' };
    const stream = sse(
      { choices: [choice] },
      { choices: [{ index: 0, delta: { content: '!' } }] },
      { choices: [finish] },
    );
    const chunks = chunksOf(readStream(callOf({ stream: true }), deploymentOf({}), stream));
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.filter((chunk) => 'role' in chunk['choices'][0].delta)).toEqual([]);
  });

  it('W19 filter results wait for content, and are passed on', () => {
    const first = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0 }],
    };
    const azure = deploymentOf({}, { provider: 'azure' });
    expect(kinds(readStream(call, azure, sse(first)))).toEqual(['failure']);
    const events = readStream(call, azure, sse(first, ROLE, chunk({ content: 'a' }), chunk({}, 'stop'), '[DONE]'));
    expect(kinds(events)).toEqual(['chunk', 'chunk', 'chunk', 'usage', 'end']);
    expect(chunksOf(events)[0]).toEqual({
      choices: [],
      created: 1_700_000_000,
      id: 'chatcmpl-1',
      model: 'asked',
      object: 'chat.completion.chunk',
      prompt_filter_results: [{ prompt_index: 0 }],
    });
  });
});
