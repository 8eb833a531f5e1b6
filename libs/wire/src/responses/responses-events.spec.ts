import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import OpenAI from 'openai';
import type { Response as OpenAiResponse } from 'openai/resources/responses/responses';
import { sseData, SSE_DONE } from '../sse.js';
import { RESPONSES_PRESENTATION } from './responses-presentation.js';
import { skipEvents } from './skip-events.js';
import { unpackThoughts } from './thoughts.js';

const X = '0'.repeat(32);
const IDENTITY = { jobId: `job_${X}`, createdAtMs: 1_700_000_000_000, model: 'asked' };
const ASKED = { model: 'asked', input: 'Say hello.', stream: true };
const USAGE = {
  prompt_tokens: 9,
  completion_tokens: 5,
  total_tokens: 14,
  prompt_tokens_details: { cached_tokens: 3 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

const chunk = (delta: object, finish: string | null = null, more: object = {}): string =>
  sseData(
    JSON.stringify({
      id: `chatcmpl-${X}`,
      model: 'served',
      choices: [{ index: 0, delta, finish_reason: finish, ...more }],
    }),
  );
const usage = sseData(JSON.stringify({ model: 'served', choices: [], usage: USAGE }));
const rest = (finish: string): string => chunk({}, finish) + usage + SSE_DONE;

interface Event extends Record<string, unknown> {
  type: string;
  sequence_number: number;
  response?: OpenAiResponse;
}

function eventsOf(sse: string): Event[] {
  return sse
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [first, data] = event.split('\n');
      const parsed = JSON.parse(data!.replace(/^data: /, '')) as Event;
      expect(first).toBe(`event: ${parsed.type}`);
      return parsed;
    });
}

function told(pushes: readonly string[], end: string, asked: Record<string, unknown> = ASKED): string {
  const fold = RESPONSES_PRESENTATION.events(asked, IDENTITY);
  return pushes.map((each) => fold.push(each)).join('') + fold.end(end);
}

/** As openai-node puts it together from the events alone. */
function accumulated(sse: string): Promise<OpenAiResponse> {
  const answer = (): Promise<Response> =>
    Promise.resolve(new Response(sse, { headers: { 'content-type': 'text/event-stream' } }));
  const openai = new OpenAI({ apiKey: 'sk', baseURL: 'http://127.0.0.1:9', fetch: answer });
  return openai.responses.stream({ model: 'asked', input: 'hi' }).finalResponse();
}

const last = (sse: string): Event => eventsOf(sse).at(-1)!;
const types = (sse: string): string[] => eventsOf(sse).map(({ type }) => type.replace(/^response\./, ''));

describe('W53: a chat stream as events of a response', () => {
  it('tells reasoning, text and one call, each item between its added and done', () => {
    const sse = told(
      [
        chunk({ role: 'assistant', content: '' }) + chunk({ reasoning_content: 'hm ' }),
        chunk({ reasoning_content: 'so' }) +
          chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'hm so', signature: 's' }] }),
        chunk({ content: 'Hel' }) + chunk({ content: 'lo' }),
        chunk({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"n":' } }] }) +
          chunk({ tool_calls: [{ index: 0, function: { arguments: '1.0}' } }] }),
      ],
      rest('tool_calls'),
    );
    expect(types(sse)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ]);
    const { response } = last(sse);
    expect(response).toMatchObject({
      id: `resp_${X}`,
      status: 'completed',
      model: 'served',
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 14,
      },
      output: [
        { id: `rs_${X}_0`, type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm so' }] },
        {
          id: `msg_${X}_1`,
          type: 'message',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
        },
        {
          id: `fc_${X}_2`,
          type: 'function_call',
          call_id: 'call_1',
          name: 'f',
          arguments: '{"n":1.0}',
          status: 'completed',
        },
      ],
    });
    const [reasoning] = response!.output as { encrypted_content?: string }[];
    expect(unpackThoughts(reasoning!.encrypted_content)).toEqual([
      { type: 'thinking', thinking: 'hm so', signature: 's' },
    ]);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('is incomplete after the finish %s', (finish, reason) => {
    const sse = told([chunk({ content: 'Hel' })], rest(finish));
    expect(last(sse)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason }, output: [{ status: 'incomplete' }] },
    });
  });

  it('keeps two calls open together, and gives one an id whose provider has none or the same', () => {
    const call = (index: number, id: string | undefined, args: string): string =>
      chunk({ tool_calls: [{ index, id, function: { name: `f${index}`, arguments: args } }] });
    const sse = told(
      [call(0, 'a', '{'), call(1, 'a', '['), call(2, undefined, ''), call(0, undefined, '}')],
      rest('stop'),
    );
    const { output } = last(sse).response!;
    expect(output).toMatchObject([
      { call_id: 'a', arguments: '{}' },
      { call_id: `call_${X}_1`, arguments: '[' },
      { call_id: `call_${X}_2`, arguments: '' },
    ]);
  });

  it('tells refusals, log probabilities and annotations', () => {
    const logprobs = { content: [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [] }] };
    const annotations = [
      { type: 'url_citation', url_citation: { url: 'u', title: 't', start_index: 0, end_index: 1 } },
    ];
    const sse = told(
      [chunk({ content: 'a' }, null, { logprobs }), chunk({ annotations }), chunk({ refusal: 'no' })],
      rest('stop'),
    );
    expect(last(sse).response!.output[0]).toMatchObject({
      content: [
        {
          type: 'output_text',
          text: 'a',
          logprobs: logprobs.content,
          annotations: [{ type: 'url_citation', url: 'u', title: 't', start_index: 0, end_index: 1 }],
        },
        { type: 'refusal', refusal: 'no' },
      ],
    });
    expect(types(sse)).toEqual(
      expect.arrayContaining(['refusal.delta', 'refusal.done', 'output_text.annotation.added']),
    );
  });

  it('says queued for one in the background', () => {
    const fold = RESPONSES_PRESENTATION.events({ ...ASKED, background: true }, IDENTITY);
    expect(types(fold.open())).toEqual(['created', 'queued', 'in_progress']);
    expect(fold.open()).toBe('');
  });

  it.each([
    ['rate_limit_exceeded', { code: 'no_capacity', message: 'full' }],
    ['invalid_prompt', { code: 'context_length_exceeded', message: 'long' }],
    ['server_error', { code: 'provider_error', message: 'broken' }],
  ] as const)('ends in failed, with code %s and what there was', (code, error) => {
    const fold = RESPONSES_PRESENTATION.events(ASKED, IDENTITY);
    const sse = fold.push(chunk({ content: 'Hel' })) + fold.fail(error);
    expect(last(sse)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code, message: error.message },
        output: [{ status: 'incomplete', content: [{ text: 'Hel' }] }],
      },
    });
  });

  it('is cut short without an event of its own: the response goes on', () => {
    const fold = RESPONSES_PRESENTATION.events(ASKED, IDENTITY);
    fold.push(chunk({ content: 'Hel' }));
    const said = fold.fail({ code: 'shutting_down', message: 'Come back.' });
    expect(said).toMatch(/^data: {"error":{"message":"Come back[.]".*\n\n$/);
    expect(skipEvents(fold, 1_000).fail({ code: 'shutting_down', message: 'Come back.' })).toBe(said);
  });

  it('leaves out what a reader has, wherever it left', () => {
    const pushes = [chunk({ content: '"sequence_number":9' }), chunk({ content: 'lo' })];
    const whole = eventsOf(told(pushes, rest('stop')));
    for (const { sequence_number: after } of whole) {
      const fold = skipEvents(RESPONSES_PRESENTATION.events(ASKED, IDENTITY), after);
      const sse = fold.open() + pushes.map((each) => fold.push(each)).join('') + fold.end(rest('stop'));
      expect(eventsOf(sse)).toEqual(whole.slice(after + 1));
    }
  });

  it('ends cancelled without an error', () => {
    const fold = RESPONSES_PRESENTATION.events(ASKED, IDENTITY);
    expect(last(fold.fail({ code: 'job_cancelled', message: 'gone' }))).toMatchObject({
      type: 'response.failed',
      response: { status: 'cancelled', error: null },
    });
  });
});

const text = fc.string({
  minLength: 1,
  maxLength: 8,
  unit: fc.constantFrom('a', '"', '\n', '\\', 'é', '😀', 'data: {'),
});
const delta = fc.oneof(
  text.map((content) => ({ content })),
  text.map((reasoning_content) => ({ reasoning_content })),
  text.map((thinking) => ({ thinking_blocks: [{ type: 'thinking', thinking, signature: 's' }] })),
  text.map((refusal) => ({ refusal })),
  fc.record({ index: fc.nat(3), args: fc.string({ maxLength: 5 }) }).map(({ index, args }) => ({
    tool_calls: [{ index, id: `call_${index}`, function: { name: `f${index}`, arguments: args } }],
  })),
);
const answers = fc.record({
  deltas: fc.array(delta, { maxLength: 12 }),
  finish: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
});

describe('the events of a response', () => {
  it('are the same however the chunks are cut, numbered without gaps', () => {
    const property = fc.property(answers, fc.array(fc.nat(2_000), { maxLength: 6 }), ({ deltas, finish }, places) => {
      const events = deltas.map((each) => chunk(each)).join('');
      const cuts = [0, ...places.map((at) => at % (events.length + 1)), events.length].sort((a, b) => a - b);
      const pieces = cuts.slice(1).map((end, i) => events.slice(cuts[i], end));
      const whole = told([events], rest(finish));
      expect(told(pieces, rest(finish))).toBe(whole);
      expect(told([], events + rest(finish))).toBe(whole);
      expect(eventsOf(whole).map(({ sequence_number: n }) => n)).toEqual(eventsOf(whole).map((_, n) => n));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("are put together by openai-node's own accumulator to the response that the last one brings", async () => {
    const property = fc.asyncProperty(answers, async ({ deltas, finish }) => {
      const sse = told(
        deltas.map((each) => chunk(each)),
        rest(finish),
      );
      const { response } = last(sse);
      const withoutEnd = eventsOf(sse).slice(0, -1);
      const seen = await accumulated(
        withoutEnd.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
      );
      const strip = (output: unknown): unknown =>
        JSON.parse(
          JSON.stringify(output, (key, v: unknown) => (key === 'parsed' || key === 'parsed_arguments' ? undefined : v)),
        );
      expect(strip(seen.output)).toEqual(response!.output);
      expect(strip((await accumulated(sse)).output)).toEqual(response!.output);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('end in what the same answer in one piece becomes', () => {
    const property = fc.property(text, text, text, (thought, words, args) => {
      const calls = [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: args } }];
      const message = { role: 'assistant', reasoning_content: thought, content: words, tool_calls: calls };
      const completion = {
        model: 'served',
        choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
        usage: USAGE,
      };
      const answer = RESPONSES_PRESENTATION.answer(Buffer.from(JSON.stringify(completion)), ASKED, IDENTITY);
      const pushes = [{ reasoning_content: thought }, { content: words }, { tool_calls: calls }].map((d) => chunk(d));
      expect(JSON.parse(answer.toString())).toEqual(last(told(pushes, rest('tool_calls'))).response);
    });
    fc.assert(property, { numRuns: 100 });
  });
});
