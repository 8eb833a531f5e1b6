import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }, { profile: 'spare', group: 'spare' }], {
    yaml: 'router_settings: {num_retries: 0}',
  });
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  sluice.simulator.setProfile('only', {});
  sluice.simulator.setProfile('spare', {});
});

const hanging = { log: 'full', rules: [{ do: { hang: true } }] };
const failing = { rules: [{ do: { kind: 'bad_request' } }] };

const isRunning = (id: string) =>
  eventually(async () => (await jobs.look(id)).body['status'] === 'running', { withinMs: 5_000, what: 'it to run' });

/** A job that failed for good. */
async function failed(members = {}): Promise<string> {
  sluice.simulator.setProfile('only', failing);
  const { body } = await jobs.submit(members);
  const { body: ended } = await jobs.ended(body['id']);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'invalid_request' }, attempts: 1 });
  return body['id'];
}

describe('cancelling a job', () => {
  it('that runs says so at once, and is done within half a second, upstream closed', async () => {
    sluice.simulator.setProfile('only', hanging);
    const { body } = await jobs.submit();
    await isRunning(body['id']);
    const cancel = await jobs.cancel(body['id']);
    expect(cancel).toMatchObject({
      status: 200,
      body: { id: body['id'], status: expect.stringMatching(/running|cancelled/) },
    });
    expect(cancel.body['cancelling']).toBe(cancel.body['status'] === 'running');
    const ended = await jobs.look(body['id'], '?wait=0.5');
    expect(ended.body).toMatchObject({ status: 'cancelled', cancelling: false, error: { code: 'job_cancelled' } });
    expect(await jobs.result(body['id'])).toMatchObject({
      status: 400,
      body: { error: { code: 'job_cancelled', job_id: body['id'] } },
    });
  });

  it('that waits for its time ends it, and one that is over stays as it is', async () => {
    const { body } = await jobs.submit({ not_before: Math.ceil(Date.now() / 1_000) + 600 });
    expect(body).toMatchObject({ status: 'delayed', queue_position: null, eta_ms: null });
    expect((await jobs.cancel(body['id'])).body).toMatchObject({ status: 'cancelled', started_at: null });
    expect((await jobs.cancel(body['id'])).body).toMatchObject({ status: 'cancelled' });
    const { body: done } = await jobs.submit({}, {}, { prefer: 'wait=20' });
    expect((await jobs.cancel(done['id'])).body).toMatchObject({ status: 'completed', cancelling: false });
  });
});

describe('trying a job again', () => {
  it('makes a new one of it, edited, which knows where it comes from; while that runs there is no other', async () => {
    const id = await failed({ metadata: { a: 'b' }, priority: 'low', max_attempts: 2, deadline: '2h' });
    sluice.simulator.setProfile('spare', hanging);
    const retry = await jobs.retry(id, { model: `${sluice.group}-spare`, body: { temperature: 0.5 } });
    expect(retry.status).toBe(202);
    expect(retry.headers.get('location')).toBe(`/v1/jobs/${retry.body['id']}`);
    expect(retry.body).toMatchObject({
      retried_from: id,
      model: `${sluice.group}-spare`,
      metadata: { a: 'b' },
      priority: 'low',
      deadline_at: retry.body['created_at'] + 7_200,
    });
    expect((await jobs.look(id)).body).toMatchObject({ status: 'failed', retried_as: retry.body['id'] });
    const again = await jobs.retry(id);
    expect([again.status, again.body['id']]).toEqual([200, retry.body['id']]);
    await isRunning(retry.body['id']);
    const [sent] = sluice.simulator.requests({ profile: 'spare' });
    expect(sent!.body).toMatchObject({ temperature: 0.5, messages: [{ content: 'Say hello.' }] });

    await jobs.cancel(retry.body['id']);
    await jobs.ended(retry.body['id']);
    sluice.simulator.setProfile('only', {});
    const third = await jobs.retry(id);
    expect([third.status, third.body['id'] === retry.body['id']]).toEqual([202, false]);
    expect((await jobs.ended(third.body['id'])).body).toMatchObject({ status: 'completed', retried_from: id });
  });

  it('by a hundred at once makes one job', async () => {
    const id = await failed();
    sluice.simulator.setProfile('only', hanging);
    const replies = await Promise.all(Array.from({ length: 100 }, () => jobs.retry(id)));
    expect(new Set(replies.map(({ body }) => body['id'])).size).toBe(1);
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(1);
    await jobs.cancel(replies[0]!.body['id']);
  });

  it('needs an end, and the request', async () => {
    sluice.simulator.setProfile('only', hanging);
    const { body: running } = await jobs.submit();
    expect(await jobs.retry(running['id'])).toMatchObject({
      status: 409,
      body: { error: { code: 'job_not_terminal' } },
    });
    await jobs.cancel(running['id']);
    sluice.simulator.setProfile('only', {});
    const { body: done } = await jobs.submit({}, {}, { prefer: 'wait=20' });
    expect(await jobs.retry(done['id'])).toMatchObject({
      status: 409,
      body: { error: { code: 'request_not_retained' } },
    });
    const { body: kept } = await jobs.submit({ retention: { request: '1h' } }, {}, { prefer: 'wait=20' });
    expect((await jobs.retry(kept['id'])).status).toBe(202);
    const bad = await jobs.retry(await failed(), { body: { messages: [] } });
    expect(bad).toMatchObject({ status: 400, body: { error: { param: 'body.messages' } } });
  });
});

describe('deleting a job', () => {
  it('leaves nothing of it, and needs its end', async () => {
    sluice.simulator.setProfile('only', hanging);
    const { body } = await jobs.submit();
    expect(await jobs.erase(body['id'])).toMatchObject({ status: 409, body: { error: { code: 'job_not_terminal' } } });
    await jobs.cancel(body['id']);
    await jobs.ended(body['id']);
    expect(await jobs.erase(body['id'])).toMatchObject({ status: 200, body: { id: body['id'], deleted: true } });
    for (const path of ['', '/result']) {
      expect(await jobs.send('GET', `/v1/jobs/${body['id']}${path}`)).toMatchObject({ status: 404 });
    }
  });
});

describe('a dead letter', () => {
  it('is put away, and then it cannot be tried again', async () => {
    const id = await failed();
    expect(await jobs.send('DELETE', `/v1/dead-letters/${id}`)).toMatchObject({
      status: 200,
      body: { id, dismissed: true },
    });
    expect(await jobs.send('DELETE', `/v1/dead-letters/${id}`)).toMatchObject({ status: 404 });
    expect((await jobs.look(id)).body).toMatchObject({ status: 'failed' });
    expect(await jobs.retry(id)).toMatchObject({ status: 409, body: { error: { code: 'request_not_retained' } } });
  });
});

describe('many jobs at a time', () => {
  it('are submitted, each on its own terms; all but the wrong ones run', async () => {
    const wrong = { ...jobs.create(), queue_ttl: 'soon' };
    const list = [...Array.from({ length: 60 }, (_, i) => jobs.create({ metadata: { i: String(i) } })), wrong];
    const { status, body } = await jobs.send('POST', '/v1/jobs/bulk', { jobs: list });
    expect([status, body['accepted'], body['rejected']]).toEqual([202, 60, 1]);
    expect(body['data'][60]).toMatchObject({ index: 60, error: { code: 'invalid_request', param: 'queue_ttl' } });
    const ids: string[] = body['data'].slice(0, 60).map(({ job }: { job: { id: string } }) => job.id);
    const ended = await Promise.all(ids.map((id) => jobs.ended(id)));
    expect(ended.map(({ body: { status: state, metadata } }) => [state, metadata.i])).toEqual(
      ids.map((_, i) => ['completed', String(i)]),
    );
  });

  it('with a key each are made once', async () => {
    const list = [1, 2].map((n) => ({
      ...jobs.create({ metadata: { n: String(n) } }),
      idempotency_key: `k${n}-${sluice.group}`,
    }));
    const [one, two] = [
      await jobs.send('POST', '/v1/jobs/bulk', { jobs: list }),
      await jobs.send('POST', '/v1/jobs/bulk', { jobs: list }),
    ];
    const idsOf = ({ body }: typeof one): string[] => body['data'].map(({ job }: { job: { id: string } }) => job.id);
    expect(idsOf(two)).toEqual(idsOf(one));
    const changed = await jobs.send('POST', '/v1/jobs/bulk', { jobs: [{ ...list[0], priority: 'low' }] });
    expect(changed.body['data'][0]).toMatchObject({ error: { code: 'idempotency_key_reused' } });
  });

  it('are cancelled and tried again by their ids; of others nothing is said', async () => {
    const wait = { not_before: Math.ceil(Date.now() / 1_000) + 600 };
    const { body } = await jobs.send('POST', '/v1/jobs/bulk', { jobs: [jobs.create(wait), jobs.create(wait)] });
    const ids: string[] = body['data'].map(({ job }: { job: { id: string } }) => job.id);
    const stranger = await jobs.submit(wait, {}, { 'x-sluice-tenant': 'other' });
    const all = [...ids, stranger.body['id'], `job_${'0'.repeat(32)}`, 'nonsense'];
    expect((await jobs.send('POST', '/v1/jobs/cancel', { ids: all })).body).toEqual({
      matched: 2,
      done: 2,
      skipped: 0,
      has_more: false,
    });
    expect((await jobs.send('POST', '/v1/jobs/cancel', { ids: all })).body).toMatchObject({
      matched: 2,
      done: 0,
      skipped: 2,
    });
    const dead = await failed();
    sluice.simulator.setProfile('only', {});
    const redriven = await jobs.send('POST', '/v1/jobs/redrive', { ids: [dead, ids[0]] });
    expect(redriven).toMatchObject({ status: 200, body: { matched: 2, done: 1, skipped: 1 } });
    const { retried_as: as } = (await jobs.look(dead)).body;
    expect((await jobs.ended(as)).body).toMatchObject({ status: 'completed', retried_from: dead });
  });
});

describe('a stranger’s job (F33)', () => {
  it('is in all respects one that does not exist', async () => {
    const { body } = await jobs.submit({}, {}, { 'x-sluice-tenant': 'other', prefer: 'wait=20' });
    const none = `${body['id'].slice(0, 8)}${'0'.repeat(24)}${body['id'].slice(-4)}`;
    const routes = [
      ['GET', ''],
      ['GET', '/result'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
      ['DELETE', ''],
    ] as const;
    for (const [method, path] of routes) {
      const send = (id: string) => jobs.send(method, `/v1/jobs/${id}${path}`, method === 'POST' ? {} : undefined);
      const [theirs, nobodys] = [await send(body['id']), await send(none)];
      expect(theirs.status).toBe(404);
      expect(JSON.stringify(theirs.body).replaceAll(body['id'], 'ID')).toBe(
        JSON.stringify(nobodys.body).replaceAll(none, 'ID'),
      );
    }
    expect((await jobs.look(body['id'], '', { 'x-sluice-tenant': 'other' })).body).toMatchObject({
      status: 'completed',
    });
  });
});
