import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI, { APIConnectionError, APIError, AuthenticationError, BadRequestError } from 'openai';
import { InternalServerError, NotFoundError, RateLimitError } from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import { thrownBy } from '../support/thrown-by.js';
import { eventually } from '../eventually.js';
import { chat, MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** openai-node as it comes: only the base URL and the key are ours. */
let sluice: SluiceUnderTest;
let openai: OpenAI;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}\nrouter_settings: {model_group_alias: {"openai/gpt-4o": GROUP}}',
    times: { earlyHeadMs: 100, heartbeatMs: 50 },
  });
  openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${sluice.url}/v1` });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  play({});
  sluice.simulator.reset();
});

const play = (script: object): void => sluice.simulator.setProfile('only', script);
const calls = (): number => sluice.simulator.stats().total;
const ask = (extra: Record<string, unknown> = {}) => ({ ...chat(sluice.group), ...extra });

const WEATHER: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

describe('openai-node', () => {
  it('lists models and finds one whose name has a slash', async () => {
    const ids: string[] = [];
    for await (const { id } of openai.models.list()) ids.push(id);
    expect(ids).toContain(sluice.group);
    expect(await openai.models.retrieve('openai/gpt-4o')).toMatchObject({ id: 'openai/gpt-4o', object: 'model' });
    expect(await thrownBy(openai.models.retrieve('gpt-9'))).toBeInstanceOf(NotFoundError);
  });

  it('chats, and shows the headers of the answer', async () => {
    play({ answer: { text: 'Hello, you.' } });
    const { data, response, request_id } = await openai.chat.completions.create(ask()).withResponse();
    expect(data.choices).toEqual([
      expect.objectContaining({
        index: 0,
        finish_reason: 'stop',
        message: expect.objectContaining({ content: 'Hello, you.' }),
      }),
    ]);
    expect(data.usage).toMatchObject({ completion_tokens: 3 });
    expect(request_id).toMatch(/^req_/);
    expect(response.headers.get('x-sluice-job-id')).toBe(`job_${data.id.slice('chatcmpl-'.length)}`);
    expect(response.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-only`);
  });

  it('sends images and other parts of content', async () => {
    const content = [
      { type: 'text' as const, text: 'What is it?' },
      { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ];
    await openai.chat.completions.create({ model: sluice.group, messages: [{ role: 'user', content }] });
    expect(sluice.simulator.requests({})[0]?.body).toMatchObject({ messages: [{ role: 'user', content }] });
  });

  it('streams, with the usage it asked for last', async () => {
    play({ answer: { text: 'Hello, dear world.' } });
    const stream = await openai.chat.completions.create({
      ...ask(),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hello, dear world.');
    expect(chunks.slice(0, -1).map(({ usage }) => usage)).toEqual(chunks.slice(1).map(() => null));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
  });

  it('streams without usage when none was asked for', async () => {
    const chunks = [];
    for await (const chunk of await openai.chat.completions.create({ ...ask(), stream: true })) chunks.push(chunk);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
    expect(chunks.every((chunk) => chunk.choices.length === 1)).toBe(true);
  });

  it.each([false, true])('gets several choices (stream: %p)', async (stream) => {
    const completion = stream
      ? openai.chat.completions.stream(ask({ n: 3 })).finalChatCompletion()
      : openai.chat.completions.create(ask({ n: 3 }));
    const { choices } = await completion;
    expect(choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual(
      [0, 1, 2].map((i) => [i, 'stop']),
    );
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
  });

  it.each([false, true])('calls a tool and hands its result back (stream: %p)', async (isStreaming) => {
    play({ answer: { text: 'It rains.', toolCalls: [{ name: 'get_weather', arguments: { city: 'Köln' } }] } });
    const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'How is the weather in Köln?' }];
    const turn = async () => {
      const params = { model: sluice.group, messages, tools: [WEATHER] };
      const completion = isStreaming
        ? await openai.chat.completions.stream(params).finalChatCompletion()
        : await openai.chat.completions.create(params);
      return completion.choices[0]!;
    };
    const first = await turn();
    expect(first.finish_reason).toBe('tool_calls');
    const [call] = first.message.tool_calls!;
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather', arguments: '{"city":"Köln"}' } });

    messages.push(first.message, { role: 'tool', tool_call_id: call!.id, content: '{"rain":true}' });
    const last = await turn();
    expect(last).toMatchObject({ finish_reason: 'stop', message: { content: 'It rains.' } });
    expect(sluice.simulator.requests({}).at(-1)?.body).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant', tool_calls: [{ id: call!.id }] }, { role: 'tool' }],
    });
  });

  it('gets JSON, free and by a schema', async () => {
    const free = await openai.chat.completions.create({ ...ask(), response_format: { type: 'json_object' } });
    expect(JSON.parse(free.choices[0]!.message.content!)).toEqual({ answer: expect.any(String) });
    const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] };
    const strict = await openai.chat.completions.create({
      ...ask(),
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
    });
    expect(JSON.parse(strict.choices[0]!.message.content!)).toEqual({ age: expect.any(Number) });
  });

  it('is not upset by comments before a slow first token', async () => {
    play({ rules: [{ do: { delayHeadersMs: 300 } }] });
    const completion = await openai.chat.completions.stream(ask()).finalChatCompletion();
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });
});

describe('openai-node throws', () => {
  it('AuthenticationError for a wrong key', async () => {
    const stranger = new OpenAI({ apiKey: 'sk-wrong', baseURL: `${sluice.url}/v1` });
    const error = await thrownBy(stranger.chat.completions.create(ask()));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'token_not_found_in_db' });
  });

  it('NotFoundError for an unknown model, and for a route that is not there', async () => {
    const error = await thrownBy(openai.chat.completions.create(ask({ model: 'gpt-9' })));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model', requestID: expect.stringMatching(/^req_/) });
    const image = openai.images.generate({ model: 'a', prompt: 'b' });
    expect(await thrownBy(image)).toMatchObject({ status: 404, code: 'unknown_route' });
  });

  it('BadRequestError for our own checks and for the provider’s', async () => {
    const ours = await thrownBy(openai.chat.completions.create(ask({ temperature: 3 })));
    expect(ours).toBeInstanceOf(BadRequestError);
    expect(ours).toMatchObject({ code: 'invalid_request', param: 'temperature' });
    play({ rules: [{ do: { kind: 'bad_request' } }] });
    expect(await thrownBy(openai.chat.completions.create(ask()))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
    expect(calls()).toBe(1);
  });

  it('InternalServerError once, for what a repeat will not mend', async () => {
    play({ rules: [{ do: { delayHeadersMs: 400 } }] });
    const error = await thrownBy(openai.chat.completions.create(ask(), { headers: { 'x-sluice-deadline': '0.2' } }));
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    expect(calls()).toBe(1);
  });

  it('nothing when its wait is over: it comes back by itself, for the answer to the same call', async () => {
    play({ rules: [{ do: { delayHeadersMs: 400 } }], answer: { text: 'Late.' } });
    const answer = await openai.chat.completions.create(ask(), { headers: { prefer: 'wait=0.1' } });
    expect(answer.choices[0]?.message.content).toBe('Late.');
    expect(calls()).toBe(1);
  });

  it('APIError with its code for a stream that breaks off in its middle and cannot be gone on with', async () => {
    play({ rules: [{ do: { cutAfter: 3 } }], answer: { text: '{"an":"object of some length"}' } });
    const stream = await openai.chat.completions.create({
      ...ask(),
      stream: true,
      response_format: { type: 'json_object' },
    });
    let deltas = 0;
    const error = await thrownBy(
      (async () => {
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) deltas++;
      })(),
    );
    expect(deltas).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'upstream_interrupted', type: 'api_error' });
  });

  // APIConnectionTimeoutError is one; in jest's realm the SDK does not know fetch's AbortError again.
  it('APIConnectionError when its own clock ends, and the provider’s call ends too', async () => {
    play({ rules: [{ do: { hang: true } }] });
    const error = await thrownBy(openai.chat.completions.create(ask(), { timeout: 150, maxRetries: 0 }));
    expect(error).toBeInstanceOf(APIConnectionError);
    await eventually(() => sluice.simulator.stats().clientClosed === 1, {
      withinMs: 1_000,
      what: 'the cancelled call',
    });
  });
});

describe('openai-node repeats', () => {
  it('what a repeat may mend, and says in the end what it was', async () => {
    play({ rules: [{ do: { kind: 'server' }, times: 1 }] });
    expect((await openai.chat.completions.create(ask())).choices).toHaveLength(1);
    expect(calls()).toBe(2);
    play({ rules: [{ do: { kind: 'server' } }] });
    sluice.simulator.reset();
    const error = await thrownBy(openai.chat.completions.create(ask(), { maxRetries: 1 }));
    expect(error).toMatchObject({ status: 502, code: 'provider_error' });
    expect(calls()).toBe(2);
  });

  it('a call that found no capacity, after the time that it was told', async () => {
    play({ rules: [{ do: { retryAfterMs: 700 }, times: 1 }] });
    const headers = { 'x-sluice-when-full': 'reject' };
    const error = await thrownBy(openai.chat.completions.create(ask(), { headers, maxRetries: 0 }));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'no_capacity', type: 'rate_limit_error' });
    const toldMs = Number((error as RateLimitError).headers.get('retry-after-ms'));
    expect(toldMs).toBeGreaterThan(0);
    expect((error as RateLimitError).headers.get('retry-after')).toBe(String(Math.ceil(toldMs / 1_000)));
    const started = performance.now();
    await openai.chat.completions.create(ask(), { headers, maxRetries: 2 });
    expect(performance.now() - started).toBeGreaterThan(Math.min(toldMs, 300));
    expect(calls()).toBe(2);
  });
});
