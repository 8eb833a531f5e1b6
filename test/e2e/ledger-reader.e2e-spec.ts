import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CONSUMER_GROUPS, LedgerReader, type ConsumerGroup } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import type { LedgerEntry } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { acceptedEntry, addToLedger, durableJob, overEntry } from '../support/ledger-entries.js';

let group: string;
let redis: Redis;
let subscriber: Redis;
let readers: LedgerReader[] = [];

beforeEach(() => {
  group = `g-${randomBytes(5).toString('hex')}`;
  redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  subscriber = openRedis(process.env['REDIS_URL']!, { role: 'subscriber', onError: () => {} });
});
afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.stop()));
  readers = [];
  redis.disconnect();
  subscriber.disconnect();
});

const key = (): string => `{sluice:${group}}:ledger`;

async function read(
  consumerGroup: ConsumerGroup,
  consumer: string,
  handle: (entries: readonly LedgerEntry[]) => Promise<void> | void,
  errors: Error[] = [],
): Promise<LedgerReader> {
  const reader = new LedgerReader(redis, subscriber, {
    consumerGroup,
    consumer,
    groups: () => [group],
    handle: async (_, entries) => handle(entries),
    onError: (error) => errors.push(error),
    onOverflow: () => undefined,
  });
  readers.push(reader);
  await reader.start();
  return reader;
}

async function addJobs(count: number): Promise<string[]> {
  const entries = Array.from({ length: count }, () => acceptedEntry(durableJob()));
  for (const entry of entries) await addToLedger(redis, group, entry);
  return entries.map(({ jobId }) => jobId);
}

describe('the ledger', () => {
  it('is read by each consumer group whole, and by two consumers of one group once', async () => {
    const seen: Record<string, string[]> = { history: [], webhooks: [] };
    const note = (name: string) => (entries: readonly LedgerEntry[]) =>
      void seen[name]!.push(...entries.map(({ jobId }) => jobId));
    const before = await addJobs(20); // nobody listens yet
    await read('history', 'a', note('history'));
    await read('history', 'b', note('history'));
    await read('webhooks', 'a', note('webhooks'));
    const ids = [...before, ...(await addJobs(20))].toSorted();
    for (const name of ['history', 'webhooks']) {
      await eventually(() => seen[name]!.length >= 40, { withinMs: 5_000, what: `all entries in ${name}` });
      expect(seen[name]!.toSorted()).toEqual(ids);
    }
  });

  it('gives an end with all that is known of it', async () => {
    const over = overEntry(acceptedEntry(durableJob({ metadata: { a: 'b' } })), 'failed', 'provider_error');
    const seen: LedgerEntry[] = [];
    await read('history', 'a', (entries) => void seen.push(...entries));
    await addToLedger(redis, group, over);
    await eventually(() => seen.length === 1, { withinMs: 5_000, what: 'the entry' });
    expect(seen[0]).toEqual({ ...over, id: seen[0]!.id });
  });

  it('keeps what a handler refused, reads no further meanwhile, and gives it again in order', async () => {
    let isAway = true;
    const seen: string[] = [];
    const errors: Error[] = [];
    const handle = (entries: readonly LedgerEntry[]): void => {
      if (isAway) throw new Error('away');
      seen.push(...entries.map(({ jobId }) => jobId));
    };
    const ids = await addJobs(5);
    await read('history', 'a', handle, errors);
    await eventually(() => errors.length > 0, { withinMs: 5_000, what: 'the first refusal' });
    ids.push(...(await addJobs(600)));
    await eventually(() => errors.length > 1, { withinMs: 5_000, what: 'another try' });
    const [pending] = (await redis.xpending(key(), 'history')) as [number];
    expect(pending).toBe(5);
    isAway = false;
    await eventually(() => seen.length === 605, { withinMs: 10_000, what: 'all entries' });
    expect(seen).toEqual(ids);
  });

  it('gives what a dead consumer had in hand to another', async () => {
    const ids = await addJobs(3);
    await Promise.all(CONSUMER_GROUPS.map((name) => redis.xgroup('CREATE', key(), name, '0')));
    const taken = (await redis.xreadgroup('GROUP', 'history', 'dead', 'STREAMS', key(), '>'))!;
    const entries = taken[0]![1].map(([id]) => id);
    await redis.xclaim(key(), 'history', 'dead', 0, ...entries, 'IDLE', 40_000, 'JUSTID');
    const seen: string[] = [];
    await read('history', 'a', (all) => void seen.push(...all.map(({ jobId }) => jobId)));
    await eventually(() => seen.length === 3, { withinMs: 5_000, what: 'the dead consumer’s entries' });
    expect(seen).toEqual(ids);
  });

  it('is cut off behind what all consumer groups have acknowledged, and no earlier', async () => {
    await read('history', 'a', () => undefined);
    await read('batches', 'a', () => undefined);
    await addJobs(10);
    const isRead = async (name: ConsumerGroup): Promise<boolean> =>
      ((await redis.xinfo('GROUPS', key())) as unknown[][]).some(
        (row) => row.includes(name) && row[row.indexOf('lag') + 1] === 0 && row[row.indexOf('pending') + 1] === 0,
      );
    await eventually(async () => (await isRead('history')) && (await isRead('batches')), {
      withinMs: 5_000,
      what: 'two of three groups to be done',
    });
    expect(await redis.xlen(key())).toBe(10); // webhooks has seen nothing
    await read('webhooks', 'a', () => undefined);
    await eventually(async () => (await redis.xlen(key())) === 0, { withinMs: 12_000, what: 'the ledger to be cut' });
  });

  it('passes over what is no entry, and forgets who leaves', async () => {
    const seen: string[] = [];
    const reader = await read('history', 'a', (entries) => void seen.push(...entries.map(({ jobId }) => jobId)));
    await redis.xadd(key(), '*', 't', 'over', 'j', 'job_1', 'd', '{');
    await redis.xadd(key(), '*', 'unknown', 'fields');
    const ids = await addJobs(1);
    await eventually(() => seen.length === 1, { withinMs: 5_000, what: 'the entry behind' });
    expect(seen).toEqual(ids);
    expect(await redis.xinfo('CONSUMERS', key(), 'history')).toHaveLength(1);
    await reader.stop();
    expect(await redis.xinfo('CONSUMERS', key(), 'history')).toHaveLength(0);
  });
});
