import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import type { RequestRecord } from '../../apps/simulator/src/request-log.js';
import { eventually } from '../eventually.js';
import { chatLine, startBatch } from '../support/batch-lines.js';
import { nativeJobs, type Reply } from '../support/native-jobs.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

const YAML = `router_settings: {num_retries: 0}
sluice: {webhooks: {allow_http: true, allow_networks: [127.0.0.0/8]}}`;
const OWN = { url: '', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };

let sluice: StoringSluice; // its own Redis: workers of other tests would deliver what is in a shared one
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  const env = { SLUICE_BODY_KEY: 'a key for secrets' };
  sluice = await startStoringSluice([{ profile: 'only' }], { yaml: YAML, env });
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());

const hook = (name: string, profile = name): string => `${sluice.simulator.origin}/@${profile}/hook/${name}`;
const got = (name: string): RequestRecord[] => sluice.simulator.requests({ profile: name });
const arrived = async (name: string, count = 1): Promise<RequestRecord[]> => {
  await eventually(() => got(name).length >= count, { withinMs: 10_000, what: `${count} webhooks at ${name}` });
  return got(name);
};
const headersOf = ({ headers }: RequestRecord): Record<string, string> => headers as Record<string, string>;
const eventOf = ({ body }: RequestRecord): Record<string, any> => JSON.parse(String(body)) as Record<string, any>;
const create = (body: Record<string, unknown>, tenant?: string): Promise<Reply> =>
  jobs.send('POST', '/v1/webhook_endpoints', body, tenant === undefined ? {} : { 'x-sluice-tenant': tenant });
const as = (tenant: string) => ({ 'x-sluice-tenant': tenant });
const delivered = async (query: string, count: number, tenant = 'default'): Promise<Reply['body'][]> => {
  let data: Reply['body'][] = [];
  await eventually(
    async () => {
      data = (await jobs.send('GET', `/v1/deliveries?${query}`, undefined, as(tenant))).body['data'];
      return data.length === count && data.every((one) => one['status'] !== 'pending');
    },
    { withinMs: 10_000, what: `${count} deliveries of ${query} to be over` },
  );
  return data;
};

describe('webhook endpoints', () => {
  it('are created, read, listed, changed and deleted; the secret is shown once', async () => {
    const { status, body } = await create({ url: hook('crud'), metadata: { team: 'a' } }, 'crud');
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^we_[0-9a-f]{32}$/),
      object: 'webhook_endpoint',
      url: hook('crud'),
      events: ['*'],
      metadata: { team: 'a' },
      status: 'enabled',
      disabled_reason: null,
      created_at: expect.any(Number),
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const { secret, ...view } = body;
    const path = `/v1/webhook_endpoints/${view['id']}`;
    expect((await jobs.send('GET', path, undefined, as('crud'))).body).toEqual(view);
    const second = (await create({ url: hook('crud-2'), events: ['job.failed', 'batch.*'] }, 'crud')).body;
    const list = await jobs.send('GET', '/v1/webhook_endpoints?limit=1', undefined, as('crud'));
    expect(list.body).toMatchObject({ object: 'list', data: [{ id: second['id'] }], has_more: true });
    const rest = await jobs.send('GET', `/v1/webhook_endpoints?after=${second['id']}`, undefined, as('crud'));
    expect(rest.body).toMatchObject({ data: [view], has_more: false });
    expect(JSON.stringify([list.body, rest.body])).not.toContain('whsec_');
    const change = { events: ['job.*'], status: 'disabled', metadata: {} };
    const changed = await jobs.send('PATCH', path, change, as('crud'));
    expect(changed.body).toEqual({ ...view, ...change });
    expect((await jobs.send('DELETE', path, undefined, as('crud'))).body).toMatchObject({ deleted: true });
    expect((await jobs.send('GET', path, undefined, as('crud'))).status).toBe(404);
    expect(secret).toBeDefined();
  });

  it('belong to their tenant: to others they are unknown (F33)', async () => {
    const { body } = await create({ url: hook('mine') }, 'mine');
    const ping = await jobs.send('POST', `/v1/webhook_endpoints/${body['id']}/ping`, undefined, as('mine'));
    await arrived('mine');
    const unknown = `we_${'0'.repeat(32)}`;
    for (const [method, path, sent] of [
      ['GET', ''],
      ['PATCH', '', { status: 'disabled' }],
      ['DELETE', ''],
      ['POST', '/ping'],
      ['POST', '/rotate_secret'],
    ] as const) {
      const foreign = await jobs.send(method, `/v1/webhook_endpoints/${body['id']}${path}`, sent, as('theirs'));
      const none = await jobs.send(method, `/v1/webhook_endpoints/${unknown}${path}`, sent, as('theirs'));
      expect([foreign.status, foreign.body]).toEqual([404, none.body]);
    }
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/redeliver'],
    ] as const) {
      const foreign = await jobs.send(method, `/v1/deliveries/${ping.body['id']}${path}`, undefined, as('theirs'));
      const none = await jobs.send(method, `/v1/deliveries/dlv_${'0'.repeat(32)}${path}`, undefined, as('theirs'));
      expect([foreign.status, foreign.body]).toEqual([404, none.body]);
    }
    const lists = await jobs.send('GET', `/v1/deliveries?endpoint_id=${body['id']}`, undefined, as('theirs'));
    expect(lists.body['data']).toEqual([]);
    const job = await jobs.submit({ webhook_endpoint_id: body['id'] }, {}, as('theirs'));
    expect([job.status, job.body['error']]).toMatchObject([404, { code: 'not_found', param: 'webhook_endpoint_id' }]);
    expect((await jobs.send('GET', `/v1/webhook_endpoints/${body['id']}`, undefined, as('mine'))).status).toBe(200);
  });

  it.each([
    [{}, 'invalid_request', 'url'],
    [{ url: 7 }, 'invalid_request', 'url'],
    [{ url: 'nonsense' }, 'invalid_request', 'url'],
    [{ url: 'https://169.254.169.254/' }, 'webhook_url_forbidden', 'url'],
    [{ url: 'https://u@example.com/' }, 'webhook_url_forbidden', 'url'],
    [{ url: 'https://[::ffff:10.0.0.1]/' }, 'webhook_url_forbidden', 'url'],
    [{ url: 'https://example.com/', events: [] }, 'invalid_request', 'events'],
    [{ url: 'https://example.com/', events: ['job.begun'] }, 'invalid_request', 'events'],
    [{ url: 'https://example.com/', metadata: { a: 7 } }, 'invalid_request', 'metadata.a'],
    [{ url: 'https://example.com/', status: 'paused' }, 'invalid_request', 'status'],
    [{ url: 'https://example.com/', secret: 'whsec_mine' }, 'invalid_request', 'secret'],
  ])('%j is refused', async (body, code, param) => {
    const { status, body: answer } = await create(body);
    expect([status, answer['error']]).toMatchObject([400, { code, param }]);
  });

  it('are pinged, by what standardwebhooks and openai verify', async () => {
    const { body: endpoint } = await create({ url: hook('pinged') }, 'pinged');
    const { status, body } = await jobs.send(
      'POST',
      `/v1/webhook_endpoints/${endpoint['id']}/ping`,
      undefined,
      as('pinged'),
    );
    expect([status, body]).toMatchObject([202, { object: 'webhook_delivery', type: 'ping', status: 'pending' }]);
    const [received] = await arrived('pinged');
    const headers = headersOf(received!);
    const event = new Webhook(endpoint['secret']).verify(String(received!.body), headers);
    expect(event).toMatchObject({ object: 'event', id: body['event_id'], type: 'ping', data: { id: endpoint['id'] } });
    const openai = new OpenAI({ apiKey: 'unused' });
    expect(await openai.webhooks.unwrap(String(received!.body), headers, endpoint['secret'])).toEqual(event);
    const [delivery] = await delivered(`endpoint_id=${endpoint['id']}`, 1, 'pinged');
    expect(delivery).toMatchObject({
      id: body['id'],
      status: 'delivered',
      next_attempt_at: null,
      attempts: [{ at: expect.any(Number), status_code: 200, error: null }],
    });
  });

  it('sign with the old secret and the new one after a rotation', async () => {
    const { body: endpoint } = await create({ url: hook('rotated') }, 'rotated');
    const path = `/v1/webhook_endpoints/${endpoint['id']}`;
    const { body: rotated } = await jobs.send('POST', `${path}/rotate_secret`, undefined, as('rotated'));
    expect(rotated['secret']).toMatch(/^whsec_/);
    expect(rotated['secret']).not.toBe(endpoint['secret']);
    await jobs.send('POST', `${path}/ping`, undefined, as('rotated'));
    const [received] = await arrived('rotated');
    expect(headersOf(received!)['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    const openai = new OpenAI({ apiKey: 'unused' });
    for (const { secret } of [endpoint, rotated] as unknown as { secret: string }[]) {
      expect(new Webhook(secret).verify(String(received!.body), headersOf(received!))).toBeDefined();
      await expect(openai.webhooks.unwrap(String(received!.body), headersOf(received!), secret)).resolves.toMatchObject(
        { type: 'ping' },
      );
    }
  });

  it('are not pinged, nor redelivered to, while they are disabled', async () => {
    const { body: endpoint } = await create({ url: hook('off') }, 'off');
    const path = `/v1/webhook_endpoints/${endpoint['id']}`;
    await jobs.send('POST', `${path}/ping`, undefined, as('off'));
    const [delivery] = await delivered(`endpoint_id=${endpoint['id']}`, 1, 'off');
    await jobs.send('PATCH', path, { status: 'disabled' }, as('off'));
    const answers = [
      await jobs.send('POST', `${path}/ping`, undefined, as('off')),
      await jobs.send('POST', `/v1/deliveries/${delivery!['id']}/redeliver`, undefined, as('off')),
    ];
    for (const { status, body } of answers) expect([status, body['error']['code']]).toEqual([400, 'invalid_request']);
    await jobs.send('PATCH', path, { status: 'enabled' }, as('off'));
    expect((await jobs.send('POST', `${path}/ping`, undefined, as('off'))).status).toBe(202);
    await arrived('off', 2);
  });

  it('stay disabled when they are changed before the store knows why', async () => {
    sluice.simulator.setProfile('gone', { rules: [{ do: { status: 410, body: '{}' } }] });
    const { body: endpoint } = await create({ url: hook('gone') }, 'gone');
    const path = `/v1/webhook_endpoints/${endpoint['id']}`;
    await jobs.send('POST', `${path}/ping`, undefined, as('gone'));
    const isDisabled = async (): Promise<boolean> =>
      (await jobs.send('GET', path, undefined, as('gone'))).body['status'] === 'disabled';
    await eventually(isDisabled, { withinMs: 5_000, what: 'the 410 to be noted' });
    const changed = await jobs.send('PATCH', path, { metadata: { a: 'b' } }, as('gone'));
    expect(changed.body).toMatchObject({ status: 'disabled', disabled_reason: 'gone', metadata: { a: 'b' } });
    const enabled = await jobs.send('PATCH', path, { status: 'enabled' }, as('gone'));
    expect(enabled.body).toMatchObject({ status: 'enabled', disabled_reason: null });
  });
});

describe('callbacks of jobs', () => {
  it('reach the endpoints that listen, the endpoint that is named and the URL that is given', async () => {
    const everything = (await create({ url: hook('everything') }, 'told')).body;
    await create({ url: hook('failures'), events: ['job.failed'] }, 'told');
    const named = (await create({ url: hook('named'), events: ['batch.*'] }, 'told')).body;
    const metadata = { order: '66' };
    const own = { url: hook('own'), secret: OWN.secret };
    const one = await jobs.submit({ webhook: own, metadata }, {}, as('told'));
    const two = await jobs.submit({ webhook_endpoint_id: named['id'] }, {}, as('told'));
    expect([one.status, two.status]).toEqual([202, 202]);
    const [atOwn] = await arrived('own');
    const event = new Webhook(OWN.secret).verify(String(atOwn!.body), headersOf(atOwn!));
    expect(event).toEqual({
      object: 'event',
      id: `evt_${String(one.body['id']).slice(4)}`,
      type: 'job.completed',
      created_at: expect.any(Number),
      data: { id: one.body['id'], status: 'completed', metadata, error: null },
    });
    const [atNamed] = await arrived('named');
    expect(eventOf(atNamed!)['data']).toMatchObject({ id: two.body['id'] });
    const ids = (await arrived('everything', 2)).map((record) => eventOf(record)['data']['id'] as string);
    expect(new Set(ids)).toEqual(new Set([one.body['id'], two.body['id']]));
    expect(
      new Webhook(everything['secret']).verify(String(got('everything')[0]!.body), headersOf(got('everything')[0]!)),
    ).toBeDefined();

    const ofOne = await delivered(`job_id=${one.body['id']}`, 2, 'told');
    expect(new Set(ofOne.map((delivery) => delivery['endpoint_id']))).toEqual(new Set([null, everything['id']]));
    for (const delivery of ofOne) expect(delivery).toMatchObject({ type: 'job.completed', job_id: one.body['id'] });
    expect(JSON.stringify(ofOne)).not.toContain('whsec_');
    expect(got('failures')).toEqual([]);
  });

  it('have secrets that stand nowhere in Redis as they are, and are tried again with them', async () => {
    const own = { url: hook('sealed'), secret: OWN.secret };
    const job = await jobs.submit({ webhook: own, retention: { request: '1h' } }, {}, as('sealed'));
    const bulk = await jobs.send('POST', '/v1/jobs/bulk', { jobs: [jobs.create({ webhook: own })] }, as('sealed'));
    expect(bulk.body).toMatchObject({ accepted: 1 });
    await arrived('sealed', 2);
    expect((await jobs.send('POST', `/v1/jobs/${job.body['id']}/retry`, {}, as('sealed'))).status).toBe(202);
    for (const record of await arrived('sealed', 3))
      expect(new Webhook(OWN.secret).verify(String(record.body), headersOf(record))).toBeDefined();
    const written = await readFile(sluice.redis.appendOnlyFile()); // all that was ever said to Redis
    expect(written.includes('aes1:')).toBe(true);
    expect(written.includes(OWN.secret)).toBe(false);
  });

  it('forget what they said when their job is erased, and are not tried again', async () => {
    const secretPath = `${hook('erased')}?customer=7`;
    const job = { webhook: { url: secretPath, secret: OWN.secret }, metadata: { name: 'Ada' } };
    const told = (await jobs.submit(job, {}, as('erased'))).body['id'] as string;
    await delivered(`job_id=${told}`, 1, 'erased');
    sluice.simulator.setProfile('erased', { rules: [{ do: { kind: 'server' } }] });
    const refused = (await jobs.submit(job, {}, as('erased'))).body['id'] as string;
    await arrived('erased', 2);
    for (const id of [told, refused])
      expect((await jobs.send('DELETE', `/v1/jobs/${id}`, undefined, as('erased'))).status).toBe(200);

    const [, failed] = await Promise.all([told, refused].map((id) => delivered(`job_id=${id}`, 1, 'erased')));
    expect(failed![0]).toMatchObject({ status: 'failed', next_attempt_at: null });
    expect(failed![0]!['attempts']).toMatchObject([{ error: 'status' }, { error: 'job_erased' }]);
    const rowsOf = (): Promise<{ rows: { plan: string }[] }> =>
      sluice.database.use((db) => db.execute(sql`select plan from sluice.webhook_deliveries where tenant = 'erased'`));
    await eventually(async () => (await rowsOf()).rows.every(({ plan }) => !/Ada|customer|aes1|whsec/.test(plan)), {
      withinMs: 5_000,
      what: 'the rows to say nothing of the jobs',
    });
    const [kept] = (await jobs.send('GET', `/v1/deliveries?job_id=${told}`, undefined, as('erased'))).body['data'];
    expect(kept).toMatchObject({ status: 'delivered', type: 'job.completed', url: new URL(secretPath).origin });
    const again = await jobs.send('POST', `/v1/deliveries/${kept['id']}/redeliver`, undefined, as('erased'));
    expect([again.status, again.body['error'].message]).toEqual([400, expect.stringContaining('erased')]);
    expect(got('erased')).toHaveLength(2);
  });

  it('tell failures with their error, cancels and expiries', async () => {
    await create({ url: hook('ends') }, 'ends');
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'bad_request' } }] });
    const failed = await jobs.submit({}, {}, as('ends'));
    await arrived('ends', 1);
    sluice.simulator.setProfile('only', {});
    const later = { not_before: Math.floor(Date.now() / 1_000) + 3_600 };
    const waiting = await jobs.submit(later, {}, as('ends'));
    await jobs.send('POST', `/v1/jobs/${waiting.body['id']}/cancel`, undefined, as('ends'));
    const events = (await arrived('ends', 2)).map(eventOf);
    expect(events[0]).toMatchObject({
      type: 'job.failed',
      data: {
        id: failed.body['id'],
        status: 'failed',
        error: { code: 'invalid_request', type: 'invalid_request_error' },
      },
    });
    expect(events[1]).toMatchObject({ type: 'job.cancelled', data: { id: waiting.body['id'], status: 'cancelled' } });
  });

  it.each([
    [{ webhook: { url: 'https://10.0.0.1/', secret: OWN.secret } }, 400, 'webhook_url_forbidden', 'webhook.url'],
    [{ webhook: { url: 'https://example.com/', secret: 'whsec_short' } }, 400, 'invalid_request', 'webhook.secret'],
    [
      { webhook: { url: 'https://example.com/', secret: OWN.secret, events: ['job.begun'] } },
      400,
      'invalid_request',
      'webhook.events',
    ],
    [{ webhook_endpoint_id: `we_${'0'.repeat(32)}` }, 404, 'not_found', 'webhook_endpoint_id'],
  ])('%j is refused', async (members, status, code, param) => {
    const answer = await jobs.submit(members);
    expect([answer.status, answer.body['error']]).toMatchObject([status, { code, param }]);
    expect(JSON.stringify(answer.body)).not.toContain('whsec_short');
    const bulk = await jobs.send('POST', '/v1/jobs/bulk', { jobs: [jobs.create(members)] });
    expect(bulk.body).toMatchObject({ accepted: 0, data: [{ error: { code, param } }] });
  });

  it('are redelivered with the same id', async () => {
    const { body: endpoint } = await create({ url: hook('again') }, 'again');
    const job = await jobs.submit({}, {}, as('again'));
    const [delivery] = await delivered(`job_id=${job.body['id']}`, 1, 'again');
    const { status, body } = await jobs.send(
      'POST',
      `/v1/deliveries/${delivery!['id']}/redeliver`,
      undefined,
      as('again'),
    );
    expect([status, body['status']]).toEqual([202, 'pending']);
    const all = await arrived('again', 2);
    expect(all.map((record) => headersOf(record)['webhook-id'])).toEqual([
      delivery!['event_id'],
      delivery!['event_id'],
    ]);
    expect(all[1]!.body).toEqual(all[0]!.body);
    const [again] = await delivered(`endpoint_id=${endpoint['id']}`, 1, 'again');
    await eventually(
      async () => {
        const now = await jobs.send('GET', `/v1/deliveries/${again!['id']}`, undefined, as('again'));
        return now.body['attempts'].length === 2;
      },
      { withinMs: 5_000, what: 'both attempts to be listed' },
    );
  });

  it('follow the schedule, as the list shows', async () => {
    sluice.simulator.setProfile('refuses', { rules: [{ do: { status: 500, body: '{}' } }] });
    await create({ url: hook('refuses') }, 'refuses');
    const job = await jobs.submit({}, {}, as('refuses'));
    await arrived('refuses');
    let delivery: Reply['body'] | undefined;
    await eventually(
      async () => {
        const path = `/v1/deliveries?job_id=${job.body['id']}`;
        [delivery] = (await jobs.send('GET', path, undefined, as('refuses'))).body['data'];
        return delivery?.['attempts'].length === 1;
      },
      { withinMs: 5_000, what: 'the first try to be listed' },
    );
    const [attempt] = delivery!['attempts'];
    expect(attempt).toMatchObject({ status_code: 500, error: 'status' });
    expect(delivery!['next_attempt_at'] - attempt.at).toBeGreaterThanOrEqual(4);
    expect(delivery!['next_attempt_at'] - attempt.at).toBeLessThanOrEqual(7);
  });
});

describe('other events', () => {
  it('tell of batches, once for all their lines', async () => {
    await create({ url: hook('batches') }, 'default');
    const { openai, group } = sluice;
    const done = await startBatch(openai, [chatLine('a', group), chatLine('b', group)], { metadata: { team: 'blue' } });
    const bad = await startBatch(openai, ['{}']);
    const [one, two] = (await arrived('batches', 2)).map(eventOf);
    const told = new Map([one!, two!].map((event) => [event['data']['id'] as string, event]));
    const data = { id: done.id, status: 'completed', metadata: { team: 'blue' }, error: null };
    expect(told.get(done.id)).toMatchObject({ type: 'batch.completed', data });
    expect(told.get(bad.id)).toMatchObject({ type: 'batch.failed', data: { id: bad.id, status: 'failed' } });
    expect(got('batches')).toHaveLength(2);
  });

  it('tell of background responses, as openai unwraps them', async () => {
    const { body: endpoint } = await create({ url: hook('responses'), events: ['response.*'] }, 'default');
    const { openai, group } = sluice;
    const full = await openai.responses.create({ model: group, input: 'Hi', background: true });
    const [received] = await arrived('responses', 1);
    const event = await openai.webhooks.unwrap(String(received!.body), headersOf(received!), endpoint['secret']);
    expect(event).toMatchObject({ object: 'event', type: 'response.completed', data: { id: full.id } });
    sluice.simulator.setProfile('only', { answer: { finish: 'length' } });
    const cut = await openai.responses.create({ model: group, input: 'Hi', background: true });
    await openai.responses.create({ model: group, input: 'Hi' }); // nobody waits to be told of it
    const second = eventOf((await arrived('responses', 2))[1]!);
    expect(second).toMatchObject({ type: 'response.incomplete', data: { id: cut.id, status: 'incomplete' } });
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'bad_request' } }] });
    const failed = await openai.responses.create({ model: group, input: 'Hi', background: true });
    const third = eventOf((await arrived('responses', 3))[2]!);
    expect(third).toMatchObject({
      type: 'response.failed',
      data: { id: failed.id, error: { code: 'invalid_request' } },
    });
    expect(got('responses')).toHaveLength(3);
  });
});
