import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AzureOpenAI, BadRequestError } from 'openai';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;
const PROFILES = ['gpt', 'azure', 'claude'];

beforeAll(async () => {
  sluice = await startSluice(
    [
      { profile: 'gpt', params: 'rpm: 1000' },
      { profile: 'azure', model: 'azure/ada', group: 'azure' },
      { profile: 'claude', model: 'anthropic/claude-haiku-4-5', group: 'claude' },
      { profile: 'claude2', model: 'anthropic/claude-haiku-4-5', group: 'mixed' },
      { profile: 'gpt2', group: 'mixed' },
    ],
    { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}', times: { earlyHeadMs: 100, heartbeatMs: 50 } },
  );
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  for (const profile of PROFILES) sluice.simulator.setProfile(profile, {});
  sluice.simulator.reset();
});

const model = (profile: string): string => (profile === 'gpt' ? sluice.group : `${sluice.group}-${profile}`);
const lastCall = (profile: string) => sluice.simulator.requests({ profile }).at(-1);

describe.each(['gpt', 'azure'])('embeddings at %s', (profile) => {
  it('are the provider’s, in either encoding, by the asked name', async () => {
    const input = ['one', 'two'];
    const { data: answer, response } = await sluice.openai.embeddings
      .create({ model: model(profile), input, dimensions: 4 })
      .withResponse();
    expect(answer).toMatchObject({ object: 'list', model: model(profile), usage: { total_tokens: 2 } });
    expect(answer.data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 4],
      [1, 4],
    ]);
    expect(response.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-${profile}`);
    expect(lastCall(profile)?.body).toMatchObject({ input, encoding_format: 'base64', dimensions: 4 });
    const floats = await sluice.openai.embeddings.create({ model: model(profile), input, encoding_format: 'float' });
    expect(floats.data[0]!.embedding.slice(0, 2)).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('fail over and fail like a chat', async () => {
    sluice.simulator.setProfile(profile, { rules: [{ do: { kind: 'bad_request' } }] });
    await expect(sluice.openai.embeddings.create({ model: model(profile), input: 'x' })).rejects.toThrow(
      BadRequestError,
    );
  });
});

describe('embeddings', () => {
  it('are refused where nobody makes them, and go to who does', async () => {
    await expect(sluice.openai.embeddings.create({ model: model('claude'), input: 'x' })).rejects.toMatchObject({
      status: 400,
      param: 'model',
      message: expect.stringContaining('serves /v1/embeddings'),
    });
    for (let i = 0; i < 5; i++) await sluice.openai.embeddings.create({ model: model('mixed'), input: 'x' });
    expect(sluice.simulator.requests({ profile: 'claude2' })).toHaveLength(0);
    expect(sluice.simulator.requests({ profile: 'gpt2' })).toHaveLength(5);
  });

  it.each([
    [{ input: undefined }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: 'x', stream: true }, 'stream'],
    [{ input: 'x', model: '' }, 'model'],
    [{ input: 'x', api_base: 'http://x' }, 'api_base'],
  ])('are refused with %j', async (members, param) => {
    const asked = { model: sluice.group, ...members } as never;
    await expect(sluice.openai.embeddings.create(asked)).rejects.toMatchObject({ status: 400, param });
  });
});

describe('moderations', () => {
  it('are the provider’s', async () => {
    const { results, model: told } = await sluice.openai.moderations.create({
      model: sluice.group,
      input: ['no harm', 'fine'],
    });
    expect(results.map(({ flagged }) => flagged)).toEqual([true, false]);
    expect(told).toBe(sluice.group);
  });
});

describe.each(PROFILES)('completions at %s', (profile) => {
  const ask = (extra: object = {}) => ({ model: model(profile), prompt: 'Say hello.', max_tokens: 20, ...extra });

  it('are answered', async () => {
    sluice.simulator.setProfile(profile, { answer: { text: 'Hello, you.' } });
    const { data, response } = await sluice.openai.completions.create(ask()).withResponse();
    expect(data).toMatchObject({
      id: `cmpl-${response.headers.get('x-sluice-job-id')!.slice(4)}`,
      object: 'text_completion',
      model: model(profile),
      choices: [{ text: 'Hello, you.', index: 0, finish_reason: 'stop' }],
      usage: { completion_tokens: 3 },
    });
  });

  it('stream', async () => {
    sluice.simulator.setProfile(profile, { answer: { text: 'Hello, you there.' } });
    const stream = await sluice.openai.completions.create({
      ...ask(),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('Hello, you there.');
    expect(new Set(chunks.map(({ id, object, model: told }) => `${id} ${object} ${told}`)).size).toBe(1);
    expect(chunks[0]).toMatchObject({ object: 'text_completion', model: model(profile) });
    expect(chunks.filter(({ choices }) => typeof choices[0]?.finish_reason === 'string')).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
  });

  it('F16: end in an error when their stream breaks off', async () => {
    sluice.simulator.setProfile(profile, { answer: { tokens: 40 }, rules: [{ do: { cutAfter: 5 } }] });
    const stream = await sluice.openai.completions.create({ ...ask(), stream: true });
    const read = async (): Promise<void> => {
      for await (const _chunk of stream);
    };
    await expect(read()).rejects.toMatchObject({ code: 'upstream_interrupted' });
  });
});

it('addresses that name the model in the path are Azure’s clients’', async () => {
  const azure = new AzureOpenAI({
    apiKey: MASTER_KEY,
    endpoint: sluice.url,
    deployment: sluice.group,
    apiVersion: '2025-02-01-preview',
    maxRetries: 0,
  });
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  expect(await azure.chat.completions.create({ model: '', messages })).toMatchObject({ object: 'chat.completion' });
  expect(await azure.embeddings.create({ model: '', input: 'x' })).toMatchObject({ object: 'list' });
  expect(lastCall('gpt')?.body).toMatchObject({ model: 'gpt-4o' });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` };
  const post = (path: string) =>
    fetch(`${sluice.url}${path}`, { method: 'POST', headers, body: JSON.stringify({ prompt: 'Hi' }) });
  expect((await post(`/v1/engines/${sluice.group}/completions`)).status).toBe(200);
  expect((await post(`/v1/engines/${sluice.group}/answers`)).status).toBe(404);
});
