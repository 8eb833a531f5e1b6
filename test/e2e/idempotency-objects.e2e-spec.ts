import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { makeOnce, type Making } from '@sluice/pipeline';
import { KeyClaims, openRedis, untilReady } from '@sluice/state';
import { toFile } from 'openai';
import { createApi } from '../../apps/api/src/create-api.js';
import { eventually } from '../eventually.js';
import { chatLine } from '../support/batch-lines.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { temporaryFolder } from '../support/sluice-process.js';

/** Two replicas of the api over one store. */
let store: FreshDatabase;
let sluice: SluiceUnderTest;
let second: NestFastifyApplication;
let urls: [string, string];

beforeAll(async () => {
  store = await freshDatabase();
  const env = { DATABASE_URL: store.url, SLUICE_DATA_DIR: temporaryFolder() };
  sluice = await startSluice([{ profile: 'only' }], {
    env,
    yaml: 'litellm_settings: {num_retries: 0}',
    isWatched: true,
  });
  second = await createApi(sluice.settings, process.env['REDIS_URL']!);
  await second.listen(0, '127.0.0.1');
  urls = [sluice.url, await second.getUrl()];
  sluice.watch!.alsoAt(urls[1]);
  sluice.watch!.allow(
    /^I2 the batch/,
    'workers of other tests, over the same Redis, take up what their stores do not know',
  );
});
afterAll(async () => {
  await second?.close();
  await sluice?.stop();
  await store?.drop();
});

interface Answer {
  http: number;
  isReplayed: boolean;
  id: string;
  status: string;
  error: { code: string };
}

async function post(path: string, key: string, body: unknown, replica: 0 | 1 = 0): Promise<Answer> {
  const response = await fetch(`${urls[replica]}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  const isReplayed = response.headers.get('idempotent-replayed') === 'true';
  return { ...((await response.json()) as object), http: response.status, isReplayed } as Answer;
}

const chatJob = (more: object = {}) => ({
  endpoint: '/v1/chat/completions',
  body: { model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }] },
  ...more,
});
const idsOf = (answers: Answer[]): Set<string> => new Set(answers.map(({ id }) => id));

describe('a job that is submitted with an Idempotency-Key', () => {
  it('is one job for a hundred submits at two replicas (F30), and stands as it is from then on', async () => {
    sluice.simulator.reset();
    const key = randomUUID();
    const submits = Array.from({ length: 100 }, (_, i) => post('/v1/jobs', key, chatJob(), i % 2 === 0 ? 0 : 1));
    const answers = await Promise.all(submits);
    expect(new Set(answers.map(({ http }) => http < 300))).toEqual(new Set([true]));
    expect(idsOf(answers).size).toBe(1);
    let last = answers[0]!;
    await eventually(async () => (last = await post('/v1/jobs', key, chatJob())).status === 'completed', {
      withinMs: 10_000,
      what: 'the job to be over',
    });
    expect(last).toMatchObject({ http: 200, isReplayed: true, id: answers[0]!.id });
    expect(sluice.simulator.stats().total).toBe(1);
    expect(await post('/v1/jobs', key, chatJob({ priority: 'high' }))).toMatchObject({
      http: 422,
      error: { code: 'idempotency_key_reused' },
    });
  });

  it('stands as it is when it failed, too', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { status: 500 } }] });
    const key = randomUUID();
    const { id } = await post('/v1/jobs', key, chatJob());
    await eventually(async () => (await post('/v1/jobs', key, chatJob())).status === 'failed', {
      withinMs: 10_000,
      what: 'the job to fail',
    });
    expect(await post('/v1/jobs', key, chatJob())).toMatchObject({ http: 200, isReplayed: true, id });
    sluice.simulator.setProfile('only', {});
  });

  it('is not remembered when it was refused', async () => {
    const key = randomUUID();
    expect(await post('/v1/jobs', key, chatJob({ endpoint: '/v1/none' }))).toMatchObject({ http: 400 });
    expect(await post('/v1/jobs', key, chatJob())).toMatchObject({ http: 202, isReplayed: false });
  });
});

describe('a message batch', () => {
  it('is made once for each key', async () => {
    const key = randomUUID();
    const params = { model: sluice.group, max_tokens: 9, messages: [{ role: 'user', content: 'Say hello.' }] };
    const batch = (id: string) => ({ requests: [{ custom_id: id, params }] });
    const first = await post('/v1/messages/batches', key, batch('one'));
    const again = await post('/v1/messages/batches', key, batch('one'), 1);
    expect([first.http, again.http, again.id, again.isReplayed]).toEqual([200, 200, first.id, true]);
    expect((await post('/v1/messages/batches', key, batch('two'))).http).toBe(422);
  });
});

describe('a file and its batch', () => {
  const upload = async (key: string, content: string): Promise<string> => {
    const file = await toFile(Buffer.from(content), 'lines.jsonl');
    return (await sluice.openai.files.create({ file, purpose: 'batch' }, { headers: { 'Idempotency-Key': key } })).id;
  };

  it('are made once for each key', async () => {
    const line = chatLine('one', sluice.group);
    const key = randomUUID();
    const id = await upload(key, line);
    expect(await upload(key, line)).toBe(id);
    await expect(upload(key, `${line}\n${line}`)).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    });
    expect(await upload(randomUUID(), line)).not.toBe(id);
    expect(await (await sluice.openai.files.content(id)).text()).toBe(line);

    const batch = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => post('/v1/batches', key, batch, i % 2 === 0 ? 0 : 1)),
    );
    const [made, told] = [answers.filter(({ http }) => http === 200), answers.filter(({ http }) => http !== 200)];
    expect(idsOf(made).size).toBe(1);
    expect(told.every(({ http, error }) => http === 409 && error.code === 'idempotency_in_progress')).toBe(true);
    expect(await post('/v1/batches', key, batch)).toMatchObject({ http: 200, isReplayed: true, id: made[0]!.id });
    expect((await sluice.openai.batches.list()).data.map((each) => each.id)).toEqual([made[0]!.id]);
  });

  it('are not remembered when they were refused', async () => {
    const key = randomUUID();
    const batch = { input_file_id: 'file-none', endpoint: '/v1/chat/completions', completion_window: '24h' };
    expect(await post('/v1/batches', key, batch)).toMatchObject({ http: 404 });
    expect(await post('/v1/batches', key, { ...batch, metadata: { a: 'b' } })).toMatchObject({ http: 404 });
  });
});

it('what could be neither made nor looked for, with the store away, is made by the next call', async () => {
  const redis = await untilReady(openRedis(process.env['REDIS_URL']!, { role: 'api', onError: () => {} }));
  const claims = new KeyClaims(redis);
  const same = { kind: 'key', scope: randomUUID(), fingerprint: 'f' } as const;
  const away = (): Promise<never> => Promise.reject(new Error('away'));
  const called = (making: Partial<Making<string>>) =>
    makeOnce(
      same,
      { newId: randomUUID, make: async (id) => ({ thing: id }), find: async () => undefined, ...making },
      { claims },
    );
  await expect(called({ make: away })).rejects.toThrow('away');
  await expect(called({ find: away })).rejects.toThrow('away');
  expect(await called({})).toMatchObject({ kind: 'made' });
  redis.disconnect();
});
