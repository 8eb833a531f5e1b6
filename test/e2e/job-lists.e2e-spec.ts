import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

const BAD = { rules: [{ do: { kind: 'bad_request' } }] };
let fresh: FreshDatabase;
let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  fresh = await freshDatabase();
  sluice = await startSluice(
    [{ profile: 'good' }, { profile: 'slow', group: 'slow' }, { profile: 'bad', group: 'bad' }],
    {
      env: { DATABASE_URL: fresh.url, SLUICE_DRAIN_MS: '100' },
      yaml: 'router_settings: {num_retries: 0}',
    },
  );
  sluice.simulator.setProfile('slow', { latency: { p50: 60_000 } });
  sluice.simulator.setProfile('bad', BAD);
  jobs = nativeJobs(sluice);
});
afterAll(async () => {
  await sluice?.stop();
  await fresh?.drop();
});

interface Page {
  status: number;
  data: Record<string, any>[];
  ids: string[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
  error: { code: string; param: string };
}

async function ask(path: string, tenant: string, method = 'GET'): Promise<Page> {
  const headers = { authorization: `Bearer ${MASTER_KEY}`, 'x-sluice-tenant': tenant };
  const response = await fetch(`${sluice.url}/v1/${path}`, { method, headers });
  const body = (await response.json()) as Omit<Page, 'status' | 'ids'>;
  return { ...body, status: response.status, ids: (body.data ?? []).map(({ id }) => id as string) };
}
const list = (query: string, tenant: string): Promise<Page> => ask(`jobs?${query}`, tenant);

let tenants = 0;
const newTenant = (): string => `tenant-${++tenants}`;
const submitted = async (tenant: string, create: Record<string, unknown> = {}, model = sluice.group): Promise<string> =>
  (await jobs.submit(create, { model }, { 'x-sluice-tenant': tenant })).body['id'] as string;
const over = (tenant: string, id: string): Promise<unknown> =>
  eventually(async () => (await view(tenant, id))['finished_at'] !== null, {
    withinMs: 10_000,
    what: `${id} to be over`,
  });
const view = async (tenant: string, id: string): Promise<Record<string, unknown>> =>
  (await jobs.look(id, '', { 'x-sluice-tenant': tenant })).body;

describe('GET /v1/jobs', () => {
  it('has a job as soon as it is accepted, as GET of it says it, newest first', async () => {
    const tenant = newTenant();
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      seen.unshift(await submitted(tenant));
      expect((await list('', tenant)).ids).toEqual(seen);
    }
    await over(tenant, seen[0]!);
    const { data } = await list('limit=1', tenant);
    expect(data[0]).toEqual(await view(tenant, seen[0]!));
    expect((await list('', newTenant())).data).toEqual([]);
  });

  it('is walked by its cursor, both ways, each job once', async () => {
    const tenant = newTenant();
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push(await submitted(tenant));
    for (const order of ['asc', 'desc']) {
      const walked: string[] = [];
      for (let after = '', more = true; more;) {
        const page = await list(`limit=3&order=${order}${after}`, tenant);
        walked.push(...page.ids);
        expect(page).toMatchObject({ object: 'list', first_id: page.ids[0], last_id: page.ids.at(-1) });
        [more, after] = [page.has_more, `&after=${page.last_id}`];
      }
      expect(walked).toEqual(order === 'asc' ? ids : ids.toReversed());
    }
    expect(await list(`after=${ids[0]}`, newTenant())).toMatchObject({ status: 404, error: { code: 'not_found' } });
  });

  it('is filtered by status, model, endpoint, error, time and metadata', async () => {
    const tenant = newTenant();
    const [good, slow, bad] = [sluice.group, `${sluice.group}-slow`, `${sluice.group}-bad`];
    const done = await submitted(tenant, { metadata: { team: 'a', n: '1' } });
    const running = await submitted(tenant, { metadata: { team: 'a' } }, slow);
    const failed = await submitted(tenant, { metadata: { team: 'b' } }, bad);
    const later = await submitted(tenant, { not_before: Math.floor(Date.now() / 1_000) + 600 });
    await over(tenant, done);
    await over(tenant, failed);
    await eventually(async () => (await view(tenant, running))['started_at'] !== null, {
      withinMs: 5_000,
      what: 'a run',
    });
    const ids = async (query: string): Promise<string[]> => (await list(query, tenant)).ids;
    expect(await ids('status=completed')).toEqual([done]);
    expect(await ids('status=running')).toEqual([running]);
    expect(await ids('status=failed')).toEqual([failed]);
    expect(await ids('status=delayed')).toEqual([later]);
    expect(await ids('status=queued')).toEqual([]);
    expect(await ids(`model=${slow}`)).toEqual([running]);
    expect(await ids(`model=${good}&status=completed`)).toEqual([done]);
    expect(await ids('error_code=invalid_request')).toEqual([failed]);
    expect(await ids('endpoint=/v1/chat/completions')).toHaveLength(4);
    expect(await ids('endpoint=/v1/embeddings')).toEqual([]);
    expect(await ids('metadata[team]=a')).toEqual([running, done]);
    expect(await ids('metadata[team]=a&metadata[n]=1')).toEqual([done]);
    expect(await ids('batch_id=batch_1')).toEqual([]);
    const { created_at: createdAt } = await view(tenant, done);
    expect(await ids(`created_before=${String(createdAt)}`)).toEqual([]);
    expect(await ids(`created_after=${String(createdAt)}`)).toHaveLength(4);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['order=up', 'order'],
    ['after=job_1', 'after'],
    ['status=done', 'status'],
    ['endpoint=/v1/audio', 'endpoint'],
    ['model=a&model=b', 'model'],
    ['model=%00', 'model'],
    ['created_after=yesterday', 'created_after'],
    ['metadata[a]=1&metadata[a]=2', 'metadata[a]'],
    ['metadata=a', 'metadata'],
    ['colour=red', 'colour'],
  ])('refuses %s, naming it', async (query, param) => {
    expect(await list(query, 'any')).toMatchObject({ status: 400, error: { code: 'invalid_request', param } });
  });
});

/** Its record is over its time. */
async function forget(group: string, id: string): Promise<void> {
  const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  await redis.del(`{sluice:${group}}:job:${id}`, `{sluice:${group}}:stream:${id}`);
  redis.disconnect();
}

describe('a job whose record is gone', () => {
  it('is seen by its history: over, as it was, without a result', async () => {
    const tenant = newTenant();
    const id = await submitted(tenant, { metadata: { a: 'b' } });
    await over(tenant, id);
    const before = await view(tenant, id);
    await list('', tenant); // has it written
    await forget(sluice.group, id);
    expect(await view(tenant, id)).toEqual({ ...before, last_seq: expect.anything() });
    expect((await list('', tenant)).data[0]).toEqual((await list('', tenant)).data[0]);
    expect(await ask(`jobs/${id}/result`, tenant)).toMatchObject({ status: 410, error: { code: 'result_expired' } });
    expect((await ask(`jobs/${id}`, newTenant())).status).toBe(404);
    expect(await ask(`jobs/${id}`, tenant, 'DELETE')).toMatchObject({ status: 200, deleted: true });
    expect((await ask(`jobs/${id}`, tenant)).status).toBe(404);
    expect((await list('', tenant)).data).toEqual([]);
  });

  it('is not seen there by who has just erased it', async () => {
    const tenant = newTenant();
    const id = await submitted(tenant);
    await over(tenant, id);
    await list('', tenant); // has it written
    expect(await ask(`jobs/${id}`, tenant, 'DELETE')).toMatchObject({ status: 200, deleted: true });
    expect((await ask(`jobs/${id}`, tenant)).status).toBe(404);
  });
});

describe('dead letters', () => {
  it('are what failed for good, until they are put away', async () => {
    const tenant = newTenant();
    const failed = [
      await submitted(tenant, {}, `${sluice.group}-bad`),
      await submitted(tenant, {}, `${sluice.group}-bad`),
    ];
    const good = await submitted(tenant);
    for (const id of [...failed, good]) await over(tenant, id);
    expect((await ask('dead-letters', tenant)).ids).toEqual(failed.toReversed());
    expect((await ask('dead-letters?error_code=provider_error', tenant)).ids).toEqual([]);
    for (const id of [good, 'job_1', failed[0]!.replace(/.{5}$/, '00000')]) {
      expect(await ask(`dead-letters/${id}`, tenant, 'DELETE')).toMatchObject({
        status: 404,
        error: { code: 'not_found' },
      });
    }
    expect(await ask(`dead-letters/${failed[0]}`, newTenant(), 'DELETE')).toMatchObject({ status: 404 });
    expect(await ask(`dead-letters/${failed[0]}`, tenant, 'DELETE')).toMatchObject({ status: 200, dismissed: true });
    expect(await ask(`dead-letters/${failed[0]}`, tenant, 'DELETE')).toMatchObject({ status: 404 });
    expect((await ask('dead-letters', tenant)).ids).toEqual([failed[1]]);
    expect((await list('status=failed', tenant)).ids).toEqual(failed.toReversed());
    await forget(`${sluice.group}-bad`, failed[1]!);
    expect((await ask('dead-letters', tenant)).ids).toEqual([failed[1]]);
    expect(await ask(`dead-letters/${failed[1]}`, tenant, 'DELETE')).toMatchObject({ status: 200, dismissed: true });
    expect((await ask('dead-letters', tenant)).ids).toEqual([]);
  });

  it('are in no list when they are deleted', async () => {
    const tenant = newTenant();
    const id = await submitted(tenant, { metadata: { private: 'yes' } }, `${sluice.group}-bad`);
    await over(tenant, id);
    expect((await list('metadata[private]=yes', tenant)).ids).toEqual([id]);
    expect(await ask(`jobs/${id}`, tenant, 'DELETE')).toMatchObject({ status: 200 });
    for (const path of ['jobs', 'dead-letters']) expect((await ask(path, tenant)).ids).toEqual([]);
    expect((await ask(`jobs/${id}`, tenant)).status).toBe(404);
  });
});

describe('what is done with many jobs by a filter', () => {
  const post = (path: string, tenant: string, body: unknown): Promise<{ status: number; body: Record<string, any> }> =>
    jobs.send('POST', `/v1/jobs/${path}`, body, { 'x-sluice-tenant': tenant });

  it('cancels those that wait and run, and no others', async () => {
    const tenant = newTenant();
    const done = await submitted(tenant);
    await over(tenant, done);
    const later = { not_before: Math.floor(Date.now() / 1_000) + 600 };
    const chosen = [];
    for (let i = 0; i < 3; i++) chosen.push(await submitted(tenant, { ...later, metadata: { kind: 'a' } }));
    const other = await submitted(tenant, { ...later, metadata: { kind: 'b' } });
    const filter = { metadata: { kind: 'a' } };
    expect(await post('cancel', tenant, { filter, limit: 2 })).toMatchObject({
      status: 200,
      body: { matched: 2, done: 2, skipped: 0, has_more: true },
    });
    expect((await post('cancel', tenant, { filter })).body).toEqual({
      matched: 1,
      done: 1,
      skipped: 0,
      has_more: false,
    });
    expect((await list('status=cancelled', tenant)).ids).toEqual(chosen.toReversed());
    expect((await list('status=delayed', tenant)).ids).toEqual([other]);
    expect((await post('cancel', tenant, { filter: { status: 'delayed' } })).body).toMatchObject({
      matched: 1,
      done: 1,
    });
    expect((await post('cancel', newTenant(), { filter: {} })).body).toMatchObject({ matched: 0, has_more: false });
  });

  it('tries dead letters again, each once', async () => {
    const tenant = newTenant();
    const bad = `${sluice.group}-bad`;
    const failed = [
      await submitted(tenant, {}, bad),
      await submitted(tenant, {}, bad),
      await submitted(tenant, {}, bad),
    ];
    for (const id of failed) await over(tenant, id);
    await ask(`dead-letters/${failed[0]}`, tenant, 'DELETE');
    sluice.simulator.setProfile('bad', {});
    const filter = { model: bad };
    expect((await post('redrive', tenant, { filter, limit: 1 })).body).toMatchObject({
      matched: 1,
      done: 1,
      has_more: true,
    });
    expect((await post('redrive', tenant, { filter })).body).toMatchObject({ matched: 1, done: 1, has_more: false });
    expect((await post('redrive', tenant, { filter })).body).toMatchObject({ matched: 0, done: 0, has_more: false });
    sluice.simulator.setProfile('bad', BAD);
    expect((await view(tenant, failed[2]!))['retried_as']).toMatch(/^job_/);
    expect((await ask('dead-letters', tenant)).ids).toEqual([]); // the new jobs stand for them
    expect((await ask('jobs?status=failed', tenant)).ids).toContain(failed[2]);
    const { retried_as: as } = await view(tenant, failed[2]!);
    await forget(bad, failed[2]!); // a week later
    expect(await view(tenant, failed[2]!)).toMatchObject({ status: 'failed', retried_as: as });
    expect((await list(`model=${bad}`, tenant)).ids).toHaveLength(5);
  });

  it.each([
    [{}, 'ids'],
    [{ filter: {}, ids: ['job_1'] }, 'ids'],
    [{ filter: [] }, 'filter'],
    [{ filter: {}, limit: 10_001 }, 'limit'],
    [{ filter: { status: 'done' } }, 'status'],
    [{ filter: { metadata: 'a' } }, 'filter.metadata'],
    [{ filter: {}, force: true }, 'force'],
  ])('refuses %j, naming it', async (body, param) => {
    for (const path of ['cancel', 'redrive']) {
      const refused = { status: 400, body: { error: { code: 'invalid_request', param } } };
      expect(await post(path, 'any', body)).toMatchObject(refused);
    }
  });
});

describe('without a database', () => {
  it('jobs run and are found, and lists say what is missing', async () => {
    const without = await startSluice([{ profile: 'good' }]);
    const { body, status } = await nativeJobs(without).submit({}, {}, { prefer: 'wait=10' });
    expect([status, body['status']]).toEqual([200, 'completed']);
    const response = await fetch(`${without.url}/v1/jobs`, { headers: { authorization: `Bearer ${MASTER_KEY}` } });
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { error: { code: 'storage_unavailable', message: expect.stringContaining('DATABASE_URL') } },
    ]);
    await without.stop();
  });
});
