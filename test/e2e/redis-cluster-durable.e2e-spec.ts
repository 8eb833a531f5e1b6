import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { chatLine, linesOf, startBatch, untilOver } from '../support/batch-lines.js';
import { HookReceiver } from '../support/hook-receiver.js';
import { nativeJobs, type Reply } from '../support/native-jobs.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { OwnRedisCluster } from '../support/own-redis-cluster.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { temporaryFolder } from '../support/sluice-process.js';

let redis: OwnRedisCluster;
let store: FreshDatabase;
const receiver = new HookReceiver();
let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

/** Several, so that they lie on several nodes: the first one's name, and these. */
const OTHERS = ['a', 'b', 'c'];

beforeAll(async () => {
  [redis, store] = await Promise.all([new OwnRedisCluster().start(), freshDatabase(), receiver.start()]);
  const env = {
    REDIS_URL: redis.url,
    DATABASE_URL: store.url,
    SLUICE_DATA_DIR: temporaryFolder(),
  };
  const deployments = [{ profile: 'only' }, ...OTHERS.map((group) => ({ profile: `of-${group}`, group }))];
  sluice = await startSluice(deployments, {
    env,
    yaml: 'sluice: {webhooks: {allow_http: true, allow_networks: [127.0.0.0/8]}}',
  });
  jobs = nativeJobs(sluice);
}, 60_000);
afterAll(async () => {
  await sluice?.stop();
  await store?.drop();
  await receiver.stop();
  await redis?.stop();
}, 30_000);

const models = (): string[] => [sluice.group, ...OTHERS.map((group) => `${sluice.group}-${group}`)];
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const told = (id: string): number => receiver.all.filter(({ body }) => body.includes(id)).length;

it('a job is taken in, followed, called back for, tried again, listed and erased, on whichever node its group is', async () => {
  const { body: endpoint } = await jobs.send('POST', '/v1/webhook_endpoints', { url: receiver.url('/all') });
  for (const model of models()) {
    const webhook = { url: receiver.url('/own'), secret };
    const key = { 'idempotency-key': `key of ${model}` };
    const submit = (): Promise<Reply> =>
      jobs.submit({ webhook, retention: { request: '1h' } }, { model, stream: true }, key);
    const [first, again] = [await submit(), await submit()];
    const id = first.body['id'] as string;
    expect([first.status, again.status, again.body['id']]).toEqual([202, 200, id]);
    expect((await jobs.ended(id)).body).toMatchObject({ status: 'completed' });
    expect((await jobs.result(id)).body).toMatchObject({ object: 'chat.completion' });
    const retried = await jobs.retry(id);
    expect(retried.status).toBe(202);
    expect((await jobs.ended(retried.body['id'])).body).toMatchObject({ status: 'completed', retried_from: id });
    const later = await jobs.submit({ not_before: Date.now() / 1_000 + 600 }, { model });
    expect((await jobs.look(later.body['id'])).body).toMatchObject({ status: 'delayed' });
    expect((await jobs.cancel(later.body['id'])).body).toMatchObject({ status: 'cancelled' });
    await eventually(() => told(id) === 2, { withinMs: 10_000, what: 'both receivers to be called' });
    const { body: list } = await jobs.send('GET', `/v1/jobs?model=${model}`);
    expect(list['data'].map(({ id: listed }: { id: string }) => listed)).toEqual(
      [id, retried.body['id'], later.body['id']].toReversed(),
    );
    expect((await jobs.erase(id)).status).toBe(200);
    expect((await jobs.look(id)).status).toBe(404);
  }
  const listed = async (): Promise<number> =>
    (await jobs.send('GET', `/v1/deliveries?endpoint_id=${endpoint['id']}`)).body['data'].length;
  // Each model's job, the one that tried it again, and the one that was cancelled.
  await eventually(async () => (await listed()) === 12, { withinMs: 10_000, what: 'all deliveries to be listed' });
  expect((await jobs.send('POST', `/v1/webhook_endpoints/${endpoint['id']}/rotate_secret`)).status).toBe(200);
  expect((await jobs.send('DELETE', `/v1/webhook_endpoints/${endpoint['id']}`)).status).toBe(200);
}, 60_000);

it('jobs of several groups are submitted and cancelled in one go', async () => {
  const wanted = models().map((model) => jobs.create({ not_before: Date.now() / 1_000 + 600 }, { model }));
  const { body: bulk } = await jobs.send('POST', '/v1/jobs/bulk', { jobs: wanted });
  expect(bulk).toMatchObject({ accepted: 4, rejected: 0 });
  const filter = { status: 'delayed' };
  expect((await jobs.send('POST', '/v1/jobs/cancel', { filter })).body).toMatchObject({ matched: 4, done: 4 });
});

it('the lines of a batch run on all nodes, each once', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => chatLine(`c${i}`, models()[i % 4]!));
  const batch = await untilOver(sluice.openai, (await startBatch(sluice.openai, lines)).id, 30_000);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 40, completed: 40, failed: 0 } });
  const written = await linesOf(sluice.openai, batch.output_file_id);
  expect(new Set(written.map(({ custom_id: id }) => id)).size).toBe(40);
  expect(written).toHaveLength(40);
}, 40_000);

it('a response in the background streams, is gone on with, cancelled and deleted', async () => {
  for (const model of models()) {
    const asked = { model, input: 'Say hello.', background: true };
    const types: string[] = [];
    for await (const { type } of await sluice.openai.responses.create({ ...asked, stream: true })) types.push(type);
    expect(types.at(-1)).toBe('response.completed');
    const { id } = await sluice.openai.responses.create(asked);
    await eventually(async () => (await sluice.openai.responses.retrieve(id)).status === 'completed', {
      withinMs: 10_000,
      what: 'the response',
    });
    const next = await sluice.openai.responses.create({ model, input: 'And?', previous_response_id: id });
    expect(next.status).toBe('completed');
    expect((await sluice.openai.responses.cancel(id)).status).toBe('completed');
    await sluice.openai.responses.delete(id);
    await expect(sluice.openai.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  }
}, 40_000);

it('a queue is paused, purged and resumed', async () => {
  for (const model of models()) {
    expect((await jobs.send('POST', `/v1/queues/${model}/pause`)).body).toMatchObject({ paused: true });
    const { body: waits } = await jobs.submit({}, { model });
    expect((await jobs.send('POST', `/v1/queues/${model}/purge`)).body).toEqual({ purged: 1 });
    expect((await jobs.look(waits['id'])).body).toMatchObject({ status: 'cancelled' });
    expect((await jobs.send('POST', `/v1/queues/${model}/resume`)).body).toMatchObject({ paused: false });
  }
});
