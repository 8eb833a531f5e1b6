import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI, { APIError, BadRequestError, NotFoundError } from 'openai';
import type { FunctionTool, ResponseInput, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { thrownBy } from '../support/thrown-by.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** openai-node's Responses as they come: only the base URL and the key are ours. */
let sluice: SluiceUnderTest;
let openai: OpenAI;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}',
    times: { heartbeatMs: 50 },
  });
  openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${sluice.url}/v1`, maxRetries: 0 });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  play({});
  sluice.simulator.reset();
});

const play = (script: object): void => sluice.simulator.setProfile('only', script);
const ask = (input = 'Say hello.') => ({ model: sluice.group, input });
const GEO: FunctionTool = {
  type: 'function',
  name: 'geo',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: null,
};
const SLOW = { answer: { tokens: 400 }, tokensPerSecond: 20, tokensPerChunk: 1 };

describe('openai-node, responses', () => {
  it('creates', async () => {
    play({ answer: { text: 'Hello, you.' } });
    const response = await openai.responses.create(ask());
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hello, you.', usage: { output_tokens: 3 } });
  });

  it('streams', async () => {
    play({ answer: { text: 'Hello, you.' }, tokensPerChunk: 1 });
    let text = '';
    for await (const event of await openai.responses.create({ ...ask(), stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe('Hello, you.');
    expect(await openai.responses.stream(ask()).finalResponse()).toMatchObject({ output_text: 'Hello, you.' });
  });

  it('parses structured output, whole and streamed', async () => {
    play({ answer: { text: '{"city":"Bern"}' }, tokensPerChunk: 1 });
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const text = { format: { type: 'json_schema' as const, name: 'place', strict: true, schema } };
    expect((await openai.responses.parse({ ...ask(), text })).output_parsed).toEqual({ city: 'Bern' });
    expect((await openai.responses.stream({ ...ask(), text }).finalResponse()).output_parsed).toEqual({ city: 'Bern' });
    expect(sluice.simulator.requests({})[0]?.body).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true } },
    });
  });

  it('loops over a tool, with its own list and with previous_response_id', async () => {
    for (const isChained of [false, true]) {
      play({ answer: { toolCalls: [{ name: 'geo', arguments: { city: 'Bern' } }], finish: 'tool_calls' } });
      const first = await openai.responses.create({ ...ask(), tools: [GEO] });
      const call = first.output.find((item) => item.type === 'function_call')!;
      expect(JSON.parse(call.arguments)).toEqual({ city: 'Bern' });
      const output = { type: 'function_call_output' as const, call_id: call.call_id, output: '3 °C' };
      play({ answer: { text: 'Cold.' } });
      const second = await openai.responses.create({
        model: sluice.group,
        tools: [GEO],
        ...(isChained
          ? { previous_response_id: first.id, input: [output] }
          : { input: [{ role: 'user', content: 'Say hello.' }, ...first.output, output] as ResponseInput }),
      });
      expect(second.output_text).toBe('Cold.');
      const { messages } = sluice.simulator.requests({}).at(-1)!.body as { messages: { role: string }[] };
      expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
    }
  });

  it('creates in the background, polls, lists the input, deletes', async () => {
    play({ answer: { text: 'Done.' } });
    let response = await openai.responses.create({ ...ask(), background: true });
    expect(response.status).toBe('queued');
    await eventually(
      async () => {
        response = await openai.responses.retrieve(response.id);
        return response.status === 'completed';
      },
      { withinMs: 5_000, what: 'the response to complete' },
    );
    expect(response.output_text).toBe('Done.');
    const items = [];
    for await (const item of openai.responses.inputItems.list(response.id)) items.push(item);
    expect(items).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Say hello.' }] },
    ]);
    await openai.responses.delete(response.id);
    expect(await thrownBy(openai.responses.retrieve(response.id))).toBeInstanceOf(NotFoundError);
  });

  it('cancels in the background', async () => {
    play(SLOW);
    const { id } = await openai.responses.create({ ...ask(), background: true });
    expect(await openai.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' });
    expect(await openai.responses.retrieve(id)).toMatchObject({ status: 'cancelled' });
  });

  it('streams in the background, drops off, and resumes by number and by its helper', async () => {
    play({ answer: { text: 'one two three four five six' }, tokensPerSecond: 60, tokensPerChunk: 1 });
    const stream = await openai.responses.create({ ...ask(), background: true, stream: true });
    const seen: ResponseStreamEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      if (event.type === 'response.output_text.delta') break;
    }
    const { response } = seen[0] as Extract<ResponseStreamEvent, { type: 'response.created' }>;
    const last = seen.at(-1)!.sequence_number;
    for await (const event of await openai.responses.retrieve(response.id, { stream: true, starting_after: last })) {
      seen.push(event);
    }
    expect(seen.map((event) => event.sequence_number)).toEqual(seen.map((_, i) => i));
    const text = seen.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    expect(text).toBe('one two three four five six');

    const numbers: number[] = [];
    const helper = openai.responses.stream({ response_id: response.id, starting_after: last });
    helper.on('event', (event) => numbers.push(event.sequence_number));
    expect((await helper.finalResponse()).output_text).toBe(text);
    expect(numbers).toEqual(seen.slice(last + 1).map((event) => event.sequence_number));
  });

  it('raises what was wrong, with its place', async () => {
    const error = await thrownBy(openai.responses.create({ ...ask(), tools: [{ type: 'web_search' }] }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ param: 'tools[0].type', type: 'invalid_request_error' });
    play({ rules: [{ do: { kind: 'server' } }] });
    expect(await thrownBy(openai.responses.create(ask()))).toBeInstanceOf(APIError);
  });
});
