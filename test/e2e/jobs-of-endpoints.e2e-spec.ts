import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startBatch, linesOf, untilOver } from '../support/batch-lines.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';
import { nativeJobs } from '../support/native-jobs.js';

/** Endpoints that run as asked, as jobs and as lines of batches. */
let sluice: StoringSluice;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  sluice = await startStoringSluice(
    [{ profile: 'gpt' }, { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', group: 'claude' }],
    { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}' },
  );
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  for (const profile of ['gpt', 'claude']) sluice.simulator.setProfile(profile, { answer: { text: 'Hello, you.' } });
  sluice.simulator.reset();
});

const model = (profile: string): string => (profile === 'gpt' ? sluice.group : `${sluice.group}-claude`);
const submit = async (endpoint: string, body: Record<string, unknown>, headers = {}) => {
  const { status, body: job } = await jobs.send('POST', '/v1/jobs', { endpoint, body }, headers);
  expect([status, job['endpoint'] ?? job]).toEqual([202, endpoint]);
  const ended = await jobs.ended(job['id']);
  const result = await jobs.result(job['id']);
  return { id: job['id'] as string, job: ended.body, status: result.status, result: result.body };
};
const HI = [{ role: 'user', content: 'Say hello.' }];

describe.each(['gpt', 'claude'])('a job of /v1/messages at %s', (profile) => {
  const ask = (members: object = {}) => ({ model: model(profile), max_tokens: 9, messages: HI, ...members });

  it.each([false, true])('has a Message as its result, streamed: %s', async (stream) => {
    const { id, job, result } = await submit('/v1/messages', ask({ stream }), { 'anthropic-beta': 'b-1' });
    expect(job).toMatchObject({ status: 'completed', usage: { output_tokens: 3 } });
    expect(result).toMatchObject({
      id: `msg_${id.slice(4)}`,
      type: 'message',
      role: 'assistant',
      model: model(profile),
      content: [{ type: 'text', text: 'Hello, you.' }],
      stop_reason: 'end_turn',
      usage: { output_tokens: 3 },
    });
    const [call] = sluice.simulator.requests({ profile });
    expect(call?.headers?.['anthropic-beta']).toBe(profile === 'claude' ? 'b-1' : undefined);
  });

  it('has the tools of a stream whole', async () => {
    const given = '{"city":"Rome"}';
    sluice.simulator.setProfile(profile, {
      answer: {
        reasoning: 'Hm.',
        toolCalls: [
          { name: 'f', arguments: given },
          { name: 'f', arguments: '{}' },
        ],
      },
    });
    const tools = [{ name: 'f', input_schema: { type: 'object' } }];
    const { result } = await submit('/v1/messages', ask({ stream: true, tools, max_tokens: 100 }));
    expect(result).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'tool_use', name: 'f', input: { city: 'Rome' } },
        { type: 'tool_use', name: 'f', input: {} },
      ],
      stop_reason: 'tool_use',
    });
  });

  it('is tried again with what is to be different', async () => {
    sluice.simulator.setProfile(profile, { rules: [{ do: { kind: 'bad_request' } }] });
    const { id, status } = await submit('/v1/messages', ask({ top_k: 3 }), { 'anthropic-beta': 'b-1' });
    expect(status).toBe(400);
    sluice.simulator.setProfile(profile, { answer: { text: 'Now.' } });
    const retried = await jobs.retry(id, { body: { max_tokens: 8 } });
    expect(retried.status).toBe(202);
    await jobs.ended(retried.body['id']);
    expect((await jobs.result(retried.body['id'])).body).toMatchObject({ content: [{ text: 'Now.' }] });
    const call = sluice.simulator.requests({ profile }).at(-1);
    expect(call?.body).toMatchObject({ max_tokens: 8, top_k: 3 });
  });
});

describe('a job', () => {
  it.each(['gpt', 'claude'])('of /v1/completions has a completion as its result, at %s', async (profile) => {
    for (const stream of [false, true]) {
      const asked = { model: model(profile), prompt: 'Hi', max_tokens: 20, stream };
      const { id, result } = await submit('/v1/completions', asked);
      expect(result).toMatchObject({
        id: `cmpl-${id.slice(4)}`,
        object: 'text_completion',
        model: model(profile),
        choices: [{ text: 'Hello, you.', index: 0, finish_reason: 'stop' }],
        usage: { completion_tokens: 3 },
      });
    }
  });

  it('of /v1/embeddings and /v1/moderations has the provider’s answer as its result', async () => {
    const embeddings = await submit('/v1/embeddings', { model: model('gpt'), input: ['a', 'b'] });
    expect(embeddings.result).toMatchObject({ object: 'list', data: [{ index: 0 }, { index: 1 }] });
    expect(embeddings.job).toMatchObject({ usage: { output_tokens: 0 } });
    const moderation = await submit('/v1/moderations', { model: model('gpt'), input: 'no harm' });
    expect(moderation.result).toMatchObject({ results: [{ flagged: true }] });
  });

  it('of /v1/embeddings fails where nobody makes them', async () => {
    const { job, result } = await submit('/v1/embeddings', { model: model('claude'), input: 'a' });
    expect(job).toMatchObject({ status: 'failed', error: { code: 'invalid_request', param: 'model' } });
    expect(result).toMatchObject({ error: { message: expect.stringContaining('serves /v1/embeddings') } });
  });

  it('is refused with a body that its endpoint would refuse', async () => {
    const { status, body } = await jobs.send('POST', '/v1/jobs', { endpoint: '/v1/messages', body: { model: 'x' } });
    expect([status, body['error'].param]).toEqual([400, 'body.max_tokens']);
  });
});

describe('a batch', () => {
  it.each([
    ['/v1/embeddings', { input: 'a' }, { object: 'list', data: [{ index: 0 }] }],
    ['/v1/completions', { prompt: 'a' }, { object: 'text_completion', choices: [{ text: 'Hello, you.' }] }],
    ['/v1/moderations', { input: 'harm' }, { results: [{ flagged: true }] }],
  ])('of %s has its answers', async (url, members, answer) => {
    const body = { model: sluice.group, ...members };
    const lines = ['a', 'b'].map((id) => JSON.stringify({ custom_id: id, method: 'POST', url, body }));
    const { id } = await startBatch(sluice.openai, lines, { endpoint: url });
    const over = await untilOver(sluice.openai, id);
    expect(over).toMatchObject({ status: 'completed', request_counts: { completed: 2, failed: 0 } });
    for (const line of await linesOf(sluice.openai, over.output_file_id)) {
      expect(line.response).toMatchObject({ status_code: 200, body: answer });
    }
  });
});
