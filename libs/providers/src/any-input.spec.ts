import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { adapterFor } from './registry.js';
import { callOf, deploymentOf, readStream, replyOf, sse } from './test-calls.js';

// oxlint-disable-next-line node/no-process-env -- a full run asks for a million cases; specs are not the product
const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const LIMIT_MS = 20_000 + RUNS.numRuns * 2;

const targets = [
  deploymentOf({}),
  deploymentOf({}, { provider: 'azure' }),
  deploymentOf({}, { provider: 'anthropic', model: 'claude-x' }),
  deploymentOf({}, { provider: 'anthropic', model: 'claude-3-haiku' }),
];
const target = fc.constantFrom(...targets);
const streamed = callOf({ stream: true, response_format: { type: 'json_object' } });

const STREAMS = [
  sse(
    {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { role: 'assistant' } }],
    },
    {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { content: 'é😀' } }],
      usage: null,
    },
    {
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] },
          finish_reason: 'stop',
        },
      ],
    },
    { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } },
    '[DONE]',
  ),
  sse(
    { type: 'message_start', message: { usage: { input_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'json_tool_call' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ),
];

/** A good stream with some places overwritten. */
const spoilt = fc
  .tuple(
    fc.constantFrom(...STREAMS),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.string({ maxLength: 6 })), { maxLength: 4 }),
  )
  .map(([text, changes]) => {
    let changed = text;
    for (const [place, length, put] of changes) {
      const at = place % (changed.length + 1);
      changed = changed.slice(0, at) + put + changed.slice(at + length);
    }
    return changed;
  });

/** Values where the formats expect strings, numbers, arrays and objects. */
const odd = fc.jsonValue({ maxDepth: 3 });
const oddEvent = fc.record(
  {
    type: fc.constantFrom<unknown>(
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'error',
      5,
    ),
    index: fc.constantFrom<unknown>(0, 1, 'x', null),
    choices: fc.oneof(
      odd,
      fc.array(
        fc.record({
          index: odd,
          delta: fc.oneof(odd, fc.record({ content: odd, tool_calls: odd })),
          finish_reason: odd,
        }),
      ),
    ),
    content_block: fc.oneof(
      odd,
      fc.record({
        type: fc.constantFrom('text', 'thinking', 'tool_use', 'redacted_thinking'),
        text: odd,
        input: odd,
        name: odd,
        data: odd,
      }),
    ),
    delta: fc.oneof(
      odd,
      fc.record({
        type: fc.constantFrom('text_delta', 'input_json_delta', 'thinking_delta', 'signature_delta'),
        text: odd,
        partial_json: odd,
        stop_reason: odd,
      }),
    ),
    usage: odd,
    error: odd,
  },
  { requiredKeys: [] },
);

/** How many events before the last close the stream, and whether the last does. */
function endsOf(events: readonly { kind: string }[]): { early: number; last: boolean } {
  const closing = events.map(({ kind }) => kind === 'end' || kind === 'failure');
  return { early: closing.slice(0, -1).filter(Boolean).length, last: closing.at(-1) ?? false };
}

const ONE_END = { early: 0, last: true };

describe('whatever a provider sends', () => {
  it(
    'a stream ends exactly once, and its chunks are lines of JSON with our id',
    () => {
      fc.assert(
        fc.property(target, spoilt, fc.integer({ min: 1, max: 90 }), (deployment, text, size) => {
          const events = readStream(streamed, deployment, text, size);
          expect(endsOf(events)).toEqual(ONE_END);
          for (const event of events) {
            if (event.kind !== 'chunk') continue;
            expect(event.text).not.toMatch(/[\r\n]/);
            expect(JSON.parse(event.text)).toMatchObject({
              id: 'chatcmpl-1',
              model: 'asked',
              object: 'chat.completion.chunk',
            });
          }
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    'a stream of odd events ends exactly once',
    () => {
      fc.assert(
        fc.property(target, fc.array(oddEvent, { maxLength: 6 }), (deployment, events) => {
          expect(endsOf(readStream(streamed, deployment, sse(...events)))).toEqual(ONE_END);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    'a reply is an answer or a failure',
    () => {
      const message = fc.oneof(odd, fc.record({ content: odd, tool_calls: odd, reasoning: odd }));
      const body = fc.oneof(
        odd,
        fc.record({
          choices: fc.array(fc.record({ index: odd, message, finish_reason: fc.oneof(odd, fc.constant('stop')) })),
          usage: odd,
        }),
        fc.record({
          content: fc.array(
            fc.record({ type: fc.constantFrom('text', 'thinking', 'tool_use'), text: odd, input: odd }),
          ),
          stop_reason: fc.oneof(odd, fc.constant('end_turn')),
        }),
        fc.record({
          error: fc.record({ message: odd, code: odd, type: odd, details: odd, param: odd, innererror: odd }),
        }),
        fc.string(),
      );
      fc.assert(
        fc.property(target, body, fc.integer({ min: 300, max: 599 }), (deployment, value, status) => {
          const adapter = adapterFor(deployment.provider);
          const answer = adapter.answer(replyOf(value), streamed, deployment, 0);
          const told: unknown =
            answer.kind === 'answer' ? JSON.parse(answer.text) : { id: 'chatcmpl-1', model: 'asked' };
          expect(told).toMatchObject({ id: 'chatcmpl-1', model: 'asked' });
          const { kind, message: text } = adapter.failure(replyOf(value, status), 0);
          expect(kind).toBeDefined();
          expect(text.length).toBeLessThanOrEqual(500);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});

describe('nesting too deep for a recursion', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

  it.each(targets)('ends in a failure, or passes ($provider $model)', (deployment) => {
    const chunk = `{"choices":[{"index":0,"delta":{"content":"a","audio":${deep}},"finish_reason":"stop"}],"type":"content_block_start","content_block":{"type":"tool_use","input":${deep}}}`;
    expect(endsOf(readStream(streamed, deployment, `data: ${chunk}\n\n`))).toEqual(ONE_END);
    expect(endsOf(readStream(streamed, deployment, chunk))).toEqual(ONE_END);
  });
});

describe('whatever a client sends', () => {
  const part = fc.oneof(
    odd,
    fc.record(
      {
        type: fc.constantFrom('text', 'image_url', 'file', 'refusal', 'input_audio', 'thinking'),
        text: odd,
        image_url: odd,
        file: odd,
        refusal: odd,
        cache_control: odd,
      },
      { requiredKeys: ['type'] },
    ),
    fc.constant({ type: 'image_url', image_url: { url: 'data:text/plain,%E0%A4%A' } }),
  );
  const message = fc.record(
    {
      role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function'),
      content: fc.oneof(fc.string(), fc.constant(null), fc.array(part, { maxLength: 3 })),
      tool_calls: fc.oneof(
        odd,
        fc.array(
          fc.record({
            id: odd,
            function: fc.oneof(
              odd,
              fc.record({ name: odd, arguments: fc.oneof(odd, fc.string(), fc.constant('{"a":1}')) }),
            ),
          }),
          { maxLength: 2 },
        ),
      ),
      tool_call_id: odd,
      thinking_blocks: odd,
      function_call: odd,
    },
    { requiredKeys: ['role'] },
  );
  const body = fc.record(
    {
      messages: fc.array(message, { minLength: 1, maxLength: 5 }),
      tools: fc.oneof(
        odd,
        fc.array(
          fc.record({ type: odd, function: fc.oneof(odd, fc.record({ name: odd, parameters: odd, strict: odd })) }),
          { maxLength: 2 },
        ),
      ),
      tool_choice: odd,
      response_format: fc.oneof(
        odd,
        fc.record({
          type: fc.constant('json_schema'),
          json_schema: fc.record({ schema: fc.oneof(odd, fc.record({ properties: odd, oneOf: odd, if: odd })) }),
        }),
      ),
      stop: odd,
      max_tokens: odd,
      temperature: odd,
      reasoning_effort: fc.oneof(odd, fc.constantFrom('low', 'constructor')),
      stream_options: odd,
      stream: fc.boolean(),
      n: odd,
      user: odd,
    },
    { requiredKeys: ['messages'] },
  );

  it(
    'makes a request of valid JSON, and a list of what is unsupported',
    () => {
      fc.assert(
        fc.property(target, body, (deployment, given) => {
          const adapter = adapterFor(deployment.provider);
          const call = callOf(given);
          expect(Array.isArray(adapter.unsupported(call, deployment))).toBe(true);
          expect(JSON.parse(adapter.request(call, deployment).body)).toMatchObject({ model: deployment.model });
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});
