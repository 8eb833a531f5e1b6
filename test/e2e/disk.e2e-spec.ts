import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Disk, openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { HeldSyncs } from '../support/held-syncs.js';
import { nativeJobs } from '../support/native-jobs.js';
import { OwnRedis } from '../support/own-redis.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

const KEY = '{sluice:g}:thing';
const SOON = { withinMs: 5_000 } as const;

let own: OwnRedis;
let syncs: HeldSyncs;
let redis: Redis;

beforeAll(async () => {
  own = await new OwnRedis().start();
  syncs = await new HeldSyncs(own.url).start();
  redis = openRedis(own.url, { role: 'worker', onError: () => {} });
});
afterAll(async () => {
  redis?.disconnect();
  syncs?.stop();
  await own?.stop('SIGKILL');
});

describe('what Redis has said, and its disk', () => {
  let disk: Disk;
  const isThere = (value = 'x'): Promise<void> => disk.holds('g', ['GET', KEY], (found) => found === value);

  beforeEach(async () => {
    syncs.sync();
    syncs.isOpen = false;
    syncs.asked = 0;
    disk = new Disk(syncs.url, redis);
    await redis.set(KEY, 'x');
  });
  afterEach(() => disk.stop());

  it('is waited for together by all who come before a round begins, and by the next round for all who come later', async () => {
    let done = 0;
    const first = Array.from({ length: 300 }, () => isThere().then(() => void done++));
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'the first round' });
    const later = Array.from({ length: 300 }, () => isThere().then(() => void done++));
    await eventually(() => syncs.waiting === 2, { ...SOON, what: 'the second, beside the first' });
    expect(done).toBe(0);
    syncs.sync();
    await Promise.all([...first, ...later]);
    expect(syncs.asked).toBe(2);
  });

  it('is not confirmed when the look finds something else: the server lost it and came back', async () => {
    const [right, wrong] = [isThere('x'), isThere('what was seen')];
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round' });
    syncs.sync();
    await expect(right).resolves.toBeUndefined();
    await expect(wrong).rejects.toThrow(/not there any more/);
  });

  it('is not confirmed when the look is refused, whatever it was to find', async () => {
    const [right, refused] = [isThere('x'), disk.holds('g', ['LLEN', KEY], () => true)];
    const failed = refused.catch(({ name, message }: Error) => `${name}: ${message}`);
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round' });
    syncs.sync();
    await expect(right).resolves.toBeUndefined();
    expect(await failed).toMatch(/^NotOnDiskError: WRONGTYPE/);
  });

  it('is not confirmed by a connection that broke, though the server is there again at once', async () => {
    const failed = isThere().catch(({ name }: Error) => name);
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round' });
    syncs.cut();
    expect(await failed).toBe('NotOnDiskError');
    const next = isThere();
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round over a new connection' });
    syncs.sync();
    await next;
  });

  it('is not confirmed when Redis waited in vain', async () => {
    const waiting = isThere();
    await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round' });
    syncs.sync(0);
    await expect(waiting).rejects.toMatchObject({ name: 'NotOnDiskError' });
  });

  it('is given up after five seconds, and at once when this process stops', async () => {
    await expect(isThere()).rejects.toThrow(/did not confirm in time/);
    const stopped = isThere().catch(({ name }: Error) => name);
    await eventually(() => syncs.waiting > 0, { ...SOON, what: 'another round' });
    disk.stop();
    expect(await stopped).toBe('NotOnDiskError');
    await expect(isThere()).rejects.toMatchObject({ name: 'NotOnDiskError' });
  });

  it('is confirmed where memory is full', async () => {
    await redis.config('SET', 'maxmemory', '1mb');
    try {
      const waiting = isThere();
      await eventually(() => syncs.waiting === 1, { ...SOON, what: 'a round' });
      syncs.sync();
      await waiting;
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });
});

describe('strict durability where Redis syncs behind its answers (F8)', () => {
  let sluice: SluiceUnderTest;
  let jobs: ReturnType<typeof nativeJobs>;

  beforeAll(async () => {
    const env = { REDIS_URL: syncs.url };
    syncs.isOpen = true;
    sluice = await startSluice([{ profile: 'only' }], { yaml: 'sluice: {durability: strict}', env });
    jobs = nativeJobs(sluice);
  });
  afterAll(() => sluice?.stop());
  beforeEach(() => {
    syncs.isOpen = true;
    syncs.sync();
  });

  /** Settles with `work` when the syncs have come; not before. */
  const waits = async <T>(work: () => Promise<T>): Promise<T> => {
    syncs.isOpen = false;
    let isDone = false;
    const working = work().finally(() => (isDone = true));
    await eventually(() => syncs.waiting > 0, { ...SOON, what: 'a wait for the disk' });
    expect(isDone).toBe(false);
    syncs.isOpen = true;
    syncs.sync();
    return working;
  };

  it('confirms a job when it is on disk, one or many', async () => {
    expect((await waits(() => jobs.submit())).status).toBe(202);
    const many = Array.from({ length: 100 }, () => jobs.create());
    const bulk = await waits(() => jobs.send('POST', '/v1/jobs/bulk', { jobs: many }));
    expect(bulk.body).toMatchObject({ accepted: 100, rejected: 0 });
  });

  it('tells the end of a job, an answer and the end of a stream when they are on disk', async () => {
    const { body } = await jobs.submit();
    const looked = await waits(() => jobs.look(body['id'] as string, '?wait=20'));
    expect(looked.body).toMatchObject({ status: 'completed' });
    const answer = await waits(() => sluice.call({}));
    expect(answer.status).toBe(200);
    const text = await waits(async () => (await sluice.call({ stream: true })).text());
    expect(text).toMatch(/\[DONE\]\s*$/);
  });

  it('tells of a cancel and of a deletion when they are on disk', async () => {
    const later = { not_before: Math.floor(Date.now() / 1_000) + 3_600 };
    const [one, two] = await Promise.all([jobs.submit(later), jobs.submit(later)]);
    const id = one.body['id'] as string;
    expect((await waits(() => jobs.cancel(id))).body).toMatchObject({ status: 'cancelled' });
    expect((await waits(() => jobs.erase(id))).body).toMatchObject({ deleted: true });
    const bulk = await waits(() => jobs.send('POST', '/v1/jobs/cancel', { ids: [two.body['id']] }));
    expect(bulk.body).toMatchObject({ done: 1 });
  });

  it('answers 503 when the disk cannot be waited for, and the job is cancelled', async () => {
    const later = { not_before: Math.floor(Date.now() / 1_000) + 3_600 };
    syncs.isOpen = false;
    const submitting = jobs.submit({ ...later, metadata: { which: 'unconfirmed' } });
    await eventually(() => syncs.waiting > 0, { ...SOON, what: 'a wait for the disk' });
    syncs.sync(0);
    const refused = await submitting;
    expect([refused.status, refused.body['error'].code]).toEqual([503, 'storage_unavailable']);
    expect(refused.body['error'].message).toContain('sluice.durability');
    syncs.isOpen = true;
    syncs.sync();
    await eventually(async () => (await states('unconfirmed')).join() === 'cancelled', { ...SOON, what: 'its cancel' });
  });

  /** Of all job records whose metadata say so. */
  async function states(which: string): Promise<(string | null)[]> {
    const keys = await redis.keys(`{sluice:${sluice.group}}:job:*`);
    const records = await Promise.all(keys.map((key) => redis.hmget(key, 'durable', 'state')));
    return records.filter(([durable]) => durable?.includes(which)).map(([, state]) => state!);
  }
});
