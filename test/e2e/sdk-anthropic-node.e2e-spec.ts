import Anthropic, {
  APIError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { thrownBy } from '../support/thrown-by.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Anthropic's SDK as it comes: only the base URL and the key are ours. Every story at both kinds of deployments. */
let sluice: SluiceUnderTest;
let anthropic: Anthropic;

beforeAll(async () => {
  sluice = await startSluice(
    [
      { profile: 'gpt' },
      { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', group: 'claude' },
      { profile: 'limited', group: 'limited' },
    ],
    { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}', times: { earlyHeadMs: 100, heartbeatMs: 50 } },
  );
  anthropic = new Anthropic({ apiKey: MASTER_KEY, baseURL: sluice.url });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  for (const profile of ['gpt', 'claude']) sluice.simulator.setProfile(profile, {});
  sluice.simulator.reset();
});

const TOOL: Anthropic.Tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const HI: Anthropic.MessageParam[] = [{ role: 'user', content: 'Say hello.' }];

describe.each(['gpt', 'claude'])('anthropic-sdk-typescript, at %s', (profile) => {
  const model = (): string => (profile === 'claude' ? `${sluice.group}-claude` : sluice.group);
  const play = (script: object): void => sluice.simulator.setProfile(profile, script);
  const ask = (extra: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) => ({
    model: model(),
    max_tokens: 64,
    messages: HI,
    ...extra,
  });
  const bodies = (): any[] => sluice.simulator.requests({ profile }).map(({ body }) => body);

  it('is answered with a message, by either key', async () => {
    play({ answer: { text: 'Hello, you.', cachedTokens: 1 } });
    const { data, request_id, response } = await anthropic.messages.create(ask({ system: 'Be brief.' })).withResponse();
    expect(data).toMatchObject({
      id: `msg_${response.headers.get('x-sluice-job-id')!.slice(4)}`,
      type: 'message',
      role: 'assistant',
      model: model(),
      content: [{ type: 'text', text: 'Hello, you.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { cache_read_input_tokens: 1, output_tokens: 3 },
    });
    expect(data.usage.input_tokens).toBeGreaterThan(1);
    expect(request_id).toBe(response.headers.get('x-request-id'));
    const bearer = new Anthropic({ authToken: MASTER_KEY, apiKey: null, baseURL: sluice.url });
    expect((await bearer.messages.create(ask())).content).toHaveLength(1);
  });

  it('streams text', async () => {
    play({ answer: { text: 'Hello, you there.' } });
    const types: string[] = [];
    const stream = anthropic.messages.stream(ask()).on('streamEvent', ({ type }) => void types.push(type));
    const message = await stream.finalMessage();
    expect(message).toMatchObject({
      model: model(),
      content: [{ type: 'text', text: 'Hello, you there.' }],
      stop_reason: 'end_turn',
    });
    expect(message.usage.input_tokens).toBeGreaterThan(1);
    expect(message.usage.output_tokens).toBe(5);
    expect(types.slice(0, 2)).toEqual(['message_start', 'content_block_start']);
    expect(types.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
  });

  it('W51: goes round with two tools, streamed or not', async () => {
    const calls = ['{"city":"Rome"}', '{"city":"Oslo"}'].map((given) => ({ name: 'get_weather', arguments: given }));
    play({ answer: { toolCalls: calls } });
    const whole = await anthropic.messages.create(ask({ tools: [TOOL] }));
    const streamed = await anthropic.messages.stream(ask({ tools: [TOOL] })).finalMessage();
    for (const { content, stop_reason } of [whole, streamed]) {
      expect(stop_reason).toBe('tool_use');
      expect(content).toMatchObject([
        { type: 'tool_use', name: 'get_weather', input: { city: 'Rome' } },
        { type: 'tool_use', name: 'get_weather', input: { city: 'Oslo' } },
      ]);
    }
    play({ answer: { text: 'Sunny.' } });
    const results = whole.content.map((block) => ({
      type: 'tool_result' as const,
      tool_use_id: (block as Anthropic.ToolUseBlock).id,
      content: 'sunny',
    }));
    const turns: Anthropic.MessageParam[] = [
      ...HI,
      { role: 'assistant', content: whole.content },
      { role: 'user', content: [...results, { type: 'text', text: 'So?' }] },
    ];
    const { content } = await anthropic.messages.create(ask({ messages: turns, tools: [TOOL] }));
    expect(content).toMatchObject([{ text: 'Sunny.' }]);
    const roles = bodies()
      .at(-1)
      .messages.map(({ role }: { role: string }) => role);
    expect(roles).toEqual(
      profile === 'claude' ? ['user', 'assistant', 'user'] : ['user', 'assistant', 'tool', 'tool', 'user'],
    );
  });

  it('thinks first', async () => {
    play({ answer: { text: 'So.', reasoning: 'Hm, well.' } });
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const asked = ask({ max_tokens: 2_000, thinking });
    const [whole, streamed] = [
      await anthropic.messages.create(asked),
      await anthropic.messages.stream(asked).finalMessage(),
    ];
    for (const { content } of [whole, streamed]) {
      expect(content).toMatchObject([
        { type: 'thinking', thinking: 'Hm, well.', signature: profile === 'claude' ? 'sim' : '' },
        { type: 'text', text: 'So.' },
      ]);
    }
    // A model that is not known to think is not told how long.
    expect(bodies()[0].thinking).toEqual(profile === 'claude' ? thinking : undefined);
    expect(bodies()[0]).not.toHaveProperty('reasoning_effort');
  });

  it('stops at the limit of tokens', async () => {
    play({ answer: { tokens: 50 } });
    expect((await anthropic.messages.create(ask({ max_tokens: 3 }))).stop_reason).toBe('max_tokens');
  });

  it('counts tokens', async () => {
    const { input_tokens } = await anthropic.messages.countTokens({ model: model(), messages: HI });
    expect(input_tokens).toBeGreaterThan(2);
    expect(input_tokens).toBeLessThan(20);
  });

  it.each([
    [{ kind: 'context_length' }, BadRequestError, 400],
    [{ kind: 'server' }, APIError, 502],
    [{ kind: 'overloaded' }, APIError, 503],
  ] as const)('throws for %j what its own API would make it throw', async (fault, error, status) => {
    play({ rules: [{ do: fault }] });
    const client = new Anthropic({ apiKey: MASTER_KEY, baseURL: sluice.url, maxRetries: 0 });
    const thrown = await thrownBy(client.messages.create(ask()));
    expect(thrown).toBeInstanceOf(error);
    expect(thrown).toMatchObject({ status, error: { type: 'error', error: { message: expect.any(String) } } });
  });

  it('throws in the middle of a stream that breaks off', async () => {
    play({ answer: { tokens: 40 }, rules: [{ do: { cutAfter: 5 } }] });
    const client = new Anthropic({ apiKey: MASTER_KEY, baseURL: sluice.url, maxRetries: 0 });
    let text = '';
    const stream = client.messages.stream(ask()).on('text', (piece) => (text += piece));
    const thrown = await thrownBy(stream.finalMessage());
    expect(text).not.toBe('');
    expect(thrown).toMatchObject({ error: { type: 'error', error: { type: 'api_error' } } });
  });

  it('F22: is let go when it leaves', async () => {
    play({ answer: { tokens: 400 }, tokensPerSecond: 50 });
    const stream = await anthropic.messages.create({ ...ask(), max_tokens: 2_000, stream: true });
    for await (const { type } of stream) if (type === 'content_block_delta') break; // which aborts
    await eventually(() => sluice.simulator.requests({ profile }).at(-1)?.outcome === 'client_closed', {
      withinMs: 3_000,
      what: 'the provider’s connection to be closed',
    });
  });
});

describe('anthropic-sdk-typescript', () => {
  it('W52: reaches an Anthropic deployment with what only Anthropic knows', async () => {
    const system = [{ type: 'text' as const, text: 'S', cache_control: { type: 'ephemeral' as const } }];
    await anthropic.beta.messages.create({
      model: `${sluice.group}-claude`,
      max_tokens: 9,
      system,
      messages: HI,
      tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }],
      metadata: { user_id: 'u' },
      betas: ['context-management-2025-06-27'],
    });
    const [call] = sluice.simulator.requests({ profile: 'claude' });
    expect(call).toMatchObject({
      headers: { 'anthropic-beta': 'context-management-2025-06-27' },
      body: { model: 'claude-sonnet-4-5', system, tools: [{ type: 'web_search_20250305', max_uses: 1 }] },
    });
  });

  it('is told which member another vendor’s model cannot serve', async () => {
    const asked = { model: sluice.group, max_tokens: 9, messages: HI };
    const tools = [{ type: 'web_search_20250305' as const, name: 'web_search' as const }];
    const thrown = await thrownBy(anthropic.messages.create({ ...asked, tools }));
    expect(thrown).toBeInstanceOf(BadRequestError);
    expect((thrown as Error).message).toContain('tools[0].type');
  });

  it('is told when to come back', async () => {
    sluice.simulator.setProfile('limited', { rules: [{ do: { kind: 'rate_limit', retryAfterMs: 60_000 } }] });
    const client = new Anthropic({ apiKey: MASTER_KEY, baseURL: sluice.url, maxRetries: 0 });
    const asked = { model: `${sluice.group}-limited`, max_tokens: 9, messages: HI };
    const thrown = await thrownBy(client.messages.create(asked, { headers: { 'x-sluice-when-full': 'reject' } }));
    expect(thrown).toBeInstanceOf(RateLimitError);
    expect(Number((thrown as APIError).headers?.get('retry-after'))).toBeGreaterThan(50);
  });

  it('is refused with a wrong key, an unknown model, a bad body and an unknown path, in its own words', async () => {
    const asked = { model: sluice.group, max_tokens: 9, messages: HI };
    const stranger = new Anthropic({ apiKey: 'sk-wrong', baseURL: sluice.url });
    expect(await thrownBy(stranger.messages.create(asked))).toBeInstanceOf(AuthenticationError);
    expect(await thrownBy(anthropic.messages.create({ ...asked, model: 'gpt-9' }))).toBeInstanceOf(NotFoundError);
    const bad = await thrownBy(anthropic.messages.create({ ...asked, max_tokens: 0 }));
    expect(bad).toBeInstanceOf(BadRequestError);
    expect((bad as APIError).error).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining('max_tokens') },
      request_id: expect.stringMatching(/^req_/),
    });
    const unknown = await thrownBy(anthropic.get('/v1/messages/nothing'));
    expect((unknown as APIError).error).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  });
});
