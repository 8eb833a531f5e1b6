import Anthropic, { APIError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import type { MessageBatch, MessageBatchIndividualResponse } from '@anthropic-ai/sdk/resources/messages';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { thrownBy } from '../support/thrown-by.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

/** Anthropic's message batches by its SDK as it comes. */
let sluice: StoringSluice;
let batches: Anthropic.Messages.Batches;

beforeAll(async () => {
  sluice = await startStoringSluice(
    [{ profile: 'gpt' }, { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', group: 'claude' }],
    { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}' },
  );
  batches = new Anthropic({ apiKey: MASTER_KEY, baseURL: sluice.url, maxRetries: 0 }).messages.batches;
});
afterAll(() => sluice.stop());
beforeEach(() => {
  for (const profile of ['gpt', 'claude']) sluice.simulator.setProfile(profile, { answer: { text: 'Hello.' } });
});

const request = (id: string, params: object = {}): any => ({
  custom_id: id,
  params: { model: sluice.group, max_tokens: 9, messages: [{ role: 'user', content: id }], ...params },
});

async function untilEnded(id: string): Promise<MessageBatch> {
  let batch = await batches.retrieve(id);
  await eventually(
    async () => {
      batch = await batches.retrieve(id);
      return batch.processing_status === 'ended';
    },
    { withinMs: 10_000, what: 'the message batch to end' },
  );
  return batch;
}

async function resultsOf(id: string): Promise<MessageBatchIndividualResponse[]> {
  const results = [];
  for await (const result of await batches.results(id)) results.push(result);
  return results;
}

describe('a message batch', () => {
  it('runs at any vendor, and tells how each request ended', async () => {
    const bad = { messages: [] };
    const made = await batches.create({
      requests: [
        request('at-gpt', { system: 'Be brief.' }),
        request('at-claude', { model: `${sluice.group}-claude`, top_k: 3 }),
        request('bad', bad),
        request('unknown', { model: 'gpt-9' }),
      ],
    });
    expect(made).toMatchObject({
      id: expect.stringMatching(/^msgbatch_[0-9a-f]{32}$/),
      type: 'message_batch',
      processing_status: 'in_progress',
      request_counts: { processing: 4, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      results_url: null,
    });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(86_400_000);

    const ended = await untilEnded(made.id);
    expect(ended).toMatchObject({
      request_counts: { processing: 0, succeeded: 2, errored: 2 },
      results_url: `/v1/messages/batches/${made.id}/results`,
    });
    const results = await resultsOf(made.id);
    const message = (model: string) => ({
      type: 'message',
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      model,
      content: [{ type: 'text', text: 'Hello.' }],
      stop_reason: 'end_turn',
    });
    expect(results).toMatchObject([
      { custom_id: 'at-gpt', result: { type: 'succeeded', message: message(sluice.group) } },
      { custom_id: 'at-claude', result: { type: 'succeeded', message: message(`${sluice.group}-claude`) } },
      {
        custom_id: 'bad',
        result: { type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error' } } },
      },
      { custom_id: 'unknown', result: { type: 'errored', error: { error: { type: 'not_found_error' } } } },
    ]);
    const [atClaude] = sluice.simulator.requests({ profile: 'claude' });
    expect(atClaude?.body).toMatchObject({ model: 'claude-sonnet-4-5', top_k: 3 });
  });

  it('is cancelled: what has not run is told so', async () => {
    sluice.simulator.setProfile('gpt', { rules: [{ do: { delayHeadersMs: 30_000 } }] });
    const { id } = await batches.create({ requests: Array.from({ length: 30 }, (_, i) => request(`r${i}`)) });
    await eventually(() => sluice.simulator.stats().inFlight > 0, { withinMs: 5_000, what: 'requests to run' });
    const told = await thrownBy(batches.delete(id));
    expect(told).toMatchObject({ status: 409, error: { type: 'error' } });
    expect(await batches.cancel(id)).toMatchObject({ processing_status: 'canceling', results_url: null });
    const ended = await untilEnded(id);
    expect(ended).toMatchObject({
      request_counts: { processing: 0, succeeded: 0, canceled: 30 },
      cancel_initiated_at: expect.any(String),
    });
    const results = await resultsOf(id);
    expect(results.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 30 }, (_, i) => `r${i}`));
    expect(new Set(results.map(({ result }) => result.type))).toEqual(new Set(['canceled']));
    expect(await batches.delete(id)).toEqual({ id, type: 'message_batch_deleted' });
    expect(await thrownBy(batches.retrieve(id))).toBeInstanceOf(NotFoundError);
  });

  it('is listed, newest first, in pages both ways', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await batches.create({ requests: [request('a')] })).id);
    const first = await batches.list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[1] });
    expect((await batches.list({ limit: 2, after_id: ids[1]! })).data[0]!.id).toBe(ids[2]);
    const before = await batches.list({ limit: 1, before_id: ids[2]! });
    expect(before.data.map(({ id }) => id)).toEqual([ids[1]]);
    expect(before.has_more).toBe(true);
    const all: string[] = [];
    for await (const { id } of batches.list({ limit: 1 })) all.push(id);
    expect(all.slice(0, 3)).toEqual(ids);
    await Promise.all(ids.map(untilEnded));
  });

  it('keeps the beta that it was made with for its requests', async () => {
    const { id } = await batches.create(
      { requests: [request('a', { model: `${sluice.group}-claude` })] },
      { headers: { 'anthropic-beta': 'context-management-2025-06-27' } },
    );
    await untilEnded(id);
    expect(sluice.simulator.requests({ profile: 'claude' }).at(-1)?.headers).toMatchObject({
      'anthropic-beta': 'context-management-2025-06-27',
    });
  });

  it.each([
    ['an id twice', () => [request('a'), request('a')], 'requests.1.custom_id'],
    ['an id of other letters', () => [request('a b')], 'requests.0.custom_id'],
    ['an id too long', () => [request('a'.repeat(65))], 'requests.0.custom_id'],
    ['no id', () => [{ params: {} }], 'requests.0.custom_id'],
    ['nothing', () => [], 'requests'],
    ['no list', () => 'all', 'requests'],
  ])('is refused with %s', async (_what, requests, place) => {
    const thrown = await thrownBy(batches.create({ requests: requests() as never }));
    expect(thrown).toBeInstanceOf(BadRequestError);
    expect((thrown as APIError).error).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining(place) },
    });
  });

  it('F33: of another tenant is one that does not exist', async () => {
    const { id } = await batches.create({ requests: [request('a')] });
    const other = new Anthropic({
      apiKey: MASTER_KEY,
      baseURL: sluice.url,
      defaultHeaders: { 'x-sluice-tenant': 'other' },
    });
    const theirs = other.messages.batches;
    const results = other.get(`/v1/messages/batches/${id}/results`);
    const calls = [theirs.retrieve(id), theirs.cancel(id), theirs.delete(id), results];
    for (const call of calls) {
      const { status, error } = (await thrownBy(call)) as APIError;
      expect(status).toBe(404);
      expect(error).toMatchObject({ error: { message: `There is no message batch "${id}".` } });
    }
    await untilEnded(id);
  });

  it('is refused in the middle of a large body, and its sender reads why', async () => {
    const long = 'x'.repeat(50_000);
    const requests = Array.from({ length: 400 }, (_, i) => request(i < 2 ? 'twice' : `r${i}`, { system: long }));
    const thrown = await thrownBy(batches.create({ requests }));
    expect(thrown).toMatchObject({ status: 400, message: expect.stringContaining('requests.1.custom_id') });
  });

  it('leaves nothing of a body that was cut off', async () => {
    const count = async (): Promise<number> => (await batches.list({ limit: 100 })).data.length;
    const before = await count();
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from(`{"requests":[${JSON.stringify(request('a'))},`);
      throw new Error('cut');
    }
    const headers = { 'content-type': 'application/json', 'x-api-key': MASTER_KEY };
    const sent = fetch(`${sluice.url}/v1/messages/batches`, {
      method: 'POST',
      headers,
      body: body() as never,
      duplex: 'half',
    } as RequestInit);
    await expect(sent).rejects.toThrow('fetch failed');
    expect(await count()).toBe(before);
  });
});
