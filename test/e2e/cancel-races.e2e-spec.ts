import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { openRedis } from '@sluice/state';
import type { LedgerFields } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { createApi } from '../../apps/api/src/create-api.js';
import { keysOf } from '../../libs/queue/src/group-keys.js';
import { eventually } from '../eventually.js';
import { sizeOf, tell } from '../support/full-size.js';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Interleavings. */
const RACES = Number(process.env['SLUICE_CANCEL_RACES'] ?? sizeOf(500, 10_000));
const AT_ONCE = 25;
const SEED = Number(process.env['SLUICE_SEED'] ?? randomInt(2 ** 31));

/** What the providers do, so that a cancel meets a job in every state: on its way, running, given back, tried again, over. */
const GROUPS: Record<string, object> = {
  quick: { latency: { p50: 4, p95: 8, p99: 12 }, answer: { tokens: 4 } },
  slow: { latency: { p50: 400, p95: 500, p99: 600 }, answer: { tokens: 30 }, tokensPerSecond: 100 },
  busy: {
    limits: { rpm: 600, retryAfter: 'ms' },
    rules: [{ probability: 0.3, do: { kind: 'rate_limit', retryAfterMs: 30 } }],
  },
  failing: { rules: [{ probability: 0.5, do: { status: 500 } }], latency: { p50: 3, p95: 6, p99: 9 } },
};

/** mulberry32: the same races for the same seed, as far as timing lets them be. */
function diceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

let sluice: SluiceUnderTest;
let second: NestFastifyApplication;
let redis: Redis;
let replicas: ReturnType<typeof nativeJobs>[];

beforeAll(async () => {
  const played = Object.keys(GROUPS).map((profile) => ({ profile, group: profile }));
  sluice = await startSluice(played, {
    workers: 2,
    isWatched: true,
    env: { SLUICE_WORKER_CONCURRENCY: '4' }, // so that some wait
    yaml: 'litellm_settings: {num_retries: 2, allowed_fails: 100000}',
  });
  for (const [profile, script] of Object.entries(GROUPS)) sluice.simulator.setProfile(profile, script);
  second = await createApi(sluice.settings, process.env['REDIS_URL']!);
  await second.listen(0, '127.0.0.1');
  const secondUrl = await second.getUrl();
  sluice.watch!.alsoAt(secondUrl);
  replicas = [nativeJobs(sluice), nativeJobs({ url: secondUrl, group: sluice.group })];
  redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
});
afterAll(async () => {
  redis?.disconnect();
  await second?.close();
  await sluice?.stop();
});

const groupOf = (name: string): string => `${sluice.group}-${name}`;

async function ledgerOf(group: string): Promise<LedgerFields[]> {
  const page = (await redis.xreadgroup(
    'GROUP',
    'races',
    'test',
    'COUNT',
    50_000,
    'STREAMS',
    keysOf(group).ledger,
    '>',
  )) as [key: string, entries: [id: string, fields: string[]][]][] | null;
  return (page?.[0]?.[1] ?? []).map(([, fields]) => {
    const entry: Record<string, string> = {};
    for (let i = 0; i < fields.length; i += 2) entry[fields[i]!] = fields[i + 1]!;
    return entry as unknown as LedgerFields;
  });
}

describe(`a cancel that races with whatever becomes of its job (F23, ${RACES} of them, seed ${SEED})`, () => {
  it(
    'leaves one end, told once, the same wherever it is asked for, and no call at a provider',
    async () => {
      const dice = diceOf(SEED);
      const names = Object.keys(GROUPS);
      // A reader of its own: what it has not acknowledged is not trimmed.
      for (const name of names) await redis.xgroup('CREATE', keysOf(groupOf(name)).ledger, 'races', '0', 'MKSTREAM').catch(() => undefined); // prettier-ignore
      const said = new Map<string, string>();

      const race = async (): Promise<void> => {
        const [name, stream, trips, cancels] = [names[dice(4)]!, dice(2) === 0, dice(60), 1 + dice(2)];
        const api = replicas[dice(2)]!;
        const { status, body } = await api.submit({}, { model: groupOf(name), stream });
        expect(status).toBe(202);
        const id = body['id'] as string;
        for (let i = 0; i < trips; i++) await redis.ping(); // how long a trip takes is the clock of the race
        const replies = await Promise.all(Array.from({ length: cancels }, () => replicas[dice(2)]!.cancel(id)));
        const { body: ended } = await replicas[dice(2)]!.ended(id);
        // Who was told of an end was told of this one.
        const ends = replies
          .map(({ body: reply }) => reply['status'])
          .filter((at) => at !== 'running' && at !== 'queued');
        expect(ends).toEqual(ends.map(() => ended['status']));
        said.set(id, ended['status']);
      };
      let left = RACES;
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          while (left-- > 0) await race();
        }),
      );

      await eventually(() => sluice.simulator.stats().inFlight === 0, {
        withinMs: 500,
        what: 'the providers to be left alone',
      });
      const overs = new Map<string, string[]>();
      for (const name of names) {
        for (const { t, j, s } of await ledgerOf(groupOf(name))) {
          if (t === 'over') overs.set(j, [...(overs.get(j) ?? []), s!]);
        }
        expect(await redis.zcard(keysOf(groupOf(name)).due)).toBe(0); // nothing is left anywhere
      }
      expect([...overs].filter(([, states]) => states.length !== 1)).toEqual([]);
      expect(new Map([...overs].map(([id, [state]]) => [id, state]))).toEqual(said);
      const counted = Object.groupBy(said.values(), (state) => state);
      const ends = Object.entries(counted).map(([state, ids]) => [state, ids!.length]);
      tell('F23', { races: RACES, seed: SEED, ...Object.fromEntries(ends) });
      expect(Object.keys(counted).filter((state) => counted[state]!.length > RACES / 20)).toEqual(
        expect.arrayContaining(['cancelled', 'completed']),
      );
    },
    30_000 + RACES * 60,
  );
});

describe('a cancel of a job that runs (F23)', () => {
  it.each([false, true])('closes the provider’s socket within 500 ms, on either node (stream: %p)', async (stream) => {
    sluice.simulator.reset();
    sluice.simulator.setProfile('slow', { latency: { p50: 20_000 }, answer: { tokens: 30 } });
    for (const api of [...replicas, ...replicas]) {
      const before = sluice.simulator.requests({ profile: 'slow' }).length;
      const { body } = await api.submit({}, { model: groupOf('slow'), stream });
      const call = () => sluice.simulator.requests({ profile: 'slow' })[before];
      await eventually(() => call() !== undefined, { withinMs: 5_000, what: 'the provider to be called' });
      const cancelledAtMs = Date.now();
      const { body: reply } = await replicas[1]!.cancel(body['id']);
      expect(reply).toMatchObject({ status: 'running', cancelling: true });
      await eventually(() => call()!.outcome === 'client_closed', { withinMs: 2_000, what: 'the socket to close' });
      expect(call()!.atMs + call()!.endMs! - cancelledAtMs).toBeLessThan(500);
      expect((await api.ended(body['id'])).body).toMatchObject({
        status: 'cancelled',
        error: { code: 'job_cancelled' },
      });
    }
  });
});
