import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BreakerRules, HeldLease, LeaseAsk, LeaseCandidate, LeaseNote } from '@sluice/core';
import { checkRedis, Leases, openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';

const RULES: BreakerRules = { allowedFails: undefined, cooldownMs: undefined, disableCooldowns: false };

const unhappy: Error[] = [];
let redis: Redis[];
/** Moved by hand where a test is about time; the others use the server's. */
let nowMs: number;

beforeAll(() => {
  nowMs = 1_800_000_000_000;
  redis = [0, 1, 2].map(() =>
    openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: (error) => unhappy.push(error) }),
  );
});
afterAll(async () => {
  await Promise.all(redis.map((client) => client.quit()));
  if (unhappy.length > 0) throw new AggregateError(unhappy);
});

const worker = (i = 0) => new Leases(redis[i]!);
const stepped = (i = 0) => new Leases(redis[i]!, () => nowMs);

function deployment(id: string, limits: Partial<LeaseCandidate> = {}): LeaseCandidate {
  return { id, order: 1, rpm: 0, tpm: 0, maxParallel: 0, ...limits };
}

function asking(group: string, ...candidates: LeaseCandidate[]): LeaseAsk {
  const leaseId = randomUUID();
  return { group, leaseId, strategy: 'in-order', tokens: 10, candidates, probeEveryWhenAllOpenMs: 0 };
}

async function taken(leases: Leases, ask: LeaseAsk): Promise<HeldLease> {
  const reply = await leases.take(ask);
  if (!reply.taken) throw new Error(`refused: ${JSON.stringify(reply.refusals)}`);
  return reply.lease;
}

async function refused(leases: Leases, ask: LeaseAsk) {
  const reply = await leases.take(ask);
  if (reply.taken) throw new Error(`taken: ${reply.lease.deploymentId}`);
  return reply.refusals;
}

describe('a deployment with max_parallel_requests 7', () => {
  it('gives seven of a hundred takes that three workers send at once, and one more for each that ends', async () => {
    const group = randomUUID();
    const workers = [worker(0), worker(1), worker(2)];
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => workers[i % 3]!.take(asking(group, deployment('d', { maxParallel: 7 })))),
    );
    const leases = replies.flatMap((reply) => (reply.taken ? [reply.lease] : []));
    expect(leases).toHaveLength(7);
    expect(workers.reduce((sum, { held }) => sum + held, 0)).toBe(7);

    await workers[0]!.settle(leases[0]!, { kind: 'succeeded', rules: RULES });
    await taken(workers[1]!, asking(group, deployment('d', { maxParallel: 7 })));
    const [refusal] = await refused(workers[2]!, asking(group, deployment('d', { maxParallel: 7 })));
    expect(refusal).toEqual({ deploymentId: 'd', verdict: 'parallel', untilMs: 0 });
  });
});

describe('a lease that nobody renews', () => {
  it('frees its slot after 15 s; one that is renewed keeps it', async () => {
    const group = randomUUID();
    const one = deployment('d', { maxParallel: 1 });
    const [lost, living] = [stepped(), stepped(1)];
    await taken(lost, asking(group, one));
    nowMs += 14_999;
    expect(await refused(living, asking(group, one))).toMatchObject([{ verdict: 'parallel' }]);
    nowMs += 1;
    await taken(living, asking(group, one));
    nowMs += 10_000;
    await living.renewAll();
    nowMs += 10_000;
    expect(await refused(lost, asking(group, one))).toMatchObject([{ verdict: 'parallel' }]);
  });
});

describe('an open breaker', () => {
  it('lets one probe of the cluster through after its time, and closes when that succeeds', async () => {
    const group = randomUUID();
    const [first, second] = [stepped(), stepped(1)];
    const failed = { kind: 'failed', reason: 'server', rules: RULES } as const;
    for (let i = 0; i < 3; i++) {
      const { stateAfter } = await first.settle(await taken(first, asking(group, deployment('d'))), failed);
      expect(stateAfter).toBe('closed');
    }
    const opened = await second.settle(await taken(second, asking(group, deployment('d'))), failed);
    expect(opened).toMatchObject({ stateAfter: 'open', untilMs: nowMs + 5_000, changed: 'opened' });
    expect(await refused(first, asking(group, deployment('d')))).toMatchObject([
      { verdict: 'breaker_open', untilMs: nowMs + 5_000 },
    ]);

    nowMs += 5_000;
    const replies = await Promise.all(
      [first, second, first, second].map((w) => w.take(asking(group, deployment('d')))),
    );
    const probes = replies.flatMap((reply) => (reply.taken ? [reply.lease] : []));
    expect(probes).toMatchObject([{ isProbe: true }]);
    expect(await refused(first, asking(group, deployment('d')))).toMatchObject([{ verdict: 'probing', untilMs: 0 }]);

    const closed = await first.settle(probes[0]!, { kind: 'succeeded', rules: RULES });
    expect(closed).toEqual({ stateAfter: 'closed', untilMs: 0, wasProbe: true, changed: 'closed' });
    expect(await taken(second, asking(group, deployment('d')))).toMatchObject({ isProbe: false });
  });
});

describe('a deployment with rpm 20', () => {
  it('gets twenty calls of three workers in a minute, and twenty more when that is over', async () => {
    const group = randomUUID();
    const limited = deployment('d', { rpm: 20 });
    const workers = [stepped(0), stepped(1), stepped(2)];
    for (const round of [1, 2]) {
      let count = 0;
      for (let second = 0; second < 60; second++, nowMs += 1_000) {
        const replies = await Promise.all(workers.map((leases) => leases.take(asking(group, limited))));
        for (const [i, reply] of replies.entries()) {
          if (!reply.taken) continue;
          count++;
          await workers[i]!.settle(reply.lease, { kind: 'succeeded', rules: RULES });
        }
      }
      expect([round, count]).toEqual([round, 20]);
      const [refusal] = await refused(workers[0]!, asking(group, limited));
      expect(refusal).toMatchObject({ verdict: 'rpm' });
      nowMs = Math.max(nowMs, refusal!.untilMs + 6_000);
    }
  });
});

describe('a lease that is settled', () => {
  it('gives its reserved tokens back but for what was used, and counts once', async () => {
    const group = randomUUID();
    const limited = deployment('d', { tpm: 100 });
    const [mine, other] = [worker(0), worker(1)];
    const lease = await taken(mine, { ...asking(group, limited), tokens: 90 });
    expect(await refused(other, { ...asking(group, limited), tokens: 11 })).toMatchObject([{ verdict: 'tpm' }]);

    const outcome = { kind: 'failed', reason: 'server', tokens: 15, rules: RULES } as const;
    await Promise.all([mine.settle(lease, outcome), other.settle(lease, outcome)]);
    expect(await other.look(group, ['d', 'never-used'])).toMatchObject([
      { deploymentId: 'd', failures: 1, inFlight: 0, requests: 1, tokens: 15 },
      { deploymentId: 'never-used', breaker: 'closed', failures: 0, inFlight: 0, requests: 0 },
    ]);
  });
});

describe('a deployment that answered 429', () => {
  it('is left alone by all workers until its hint, and at once after a reset', async () => {
    const group = randomUUID();
    const lease = await taken(worker(0), asking(group, deployment('d')));
    const outcome = { kind: 'cools', reason: 'rate_limit', retryAfterMs: 3_600_000, rules: RULES } as const;
    const { stateAfter, untilMs } = await worker(0).settle(lease, outcome);
    expect(stateAfter).toBe('cooling');
    const both = asking(group, deployment('d'), deployment('e'));
    expect(await taken(worker(1), both)).toMatchObject({ deploymentId: 'e' });
    expect(await refused(worker(1), asking(group, deployment('d')))).toMatchObject([{ verdict: 'cooling', untilMs }]);

    await worker(2).reset(group, 'd');
    await taken(worker(1), asking(group, deployment('d')));
  });
});

describe('the keys of a group', () => {
  it('share a slot and expire by themselves, also for ids with a colon', async () => {
    const group = randomUUID();
    const rules = { ...RULES, allowedFails: 5 };
    for (const id of ['d', 'd:slots', 'd:use']) {
      const leases = [1, 2].map(() => taken(worker(), asking(group, deployment(id, { rpm: 9, tpm: 9_000 }))));
      const [first] = await Promise.all(leases);
      await worker().settle(first!, { kind: 'failed', reason: 'server', retryAfterMs: 1_000, rules });
    }
    const keys = await redis[0]!.keys(`*${group}*`);
    expect(keys).toHaveLength(12);
    for (const key of keys) {
      expect(key.startsWith(`{sluice:${group}}:dep:`)).toBe(true);
      expect([key, await redis[0]!.pttl(key)]).toEqual([key, expect.any(Number)]);
      expect(await redis[0]!.pttl(key)).toBeGreaterThan(0);
    }
  });
});

describe('a Redis that lost its memory', () => {
  it('knows the living leases again after a beat', async () => {
    const group = randomUUID();
    const leases = worker();
    const one = deployment('d', { maxParallel: 1 });
    await taken(leases, asking(group, one));
    await redis[0]!.del(`{sluice:${group}}:dep:d:slots`);
    await redis[0]!.script('FLUSH');
    await leases.renewAll();
    expect(await refused(leases, asking(group, one))).toMatchObject([{ verdict: 'parallel' }]);
  });
});

describe('checkRedis', () => {
  it('accepts the server of these tests', async () => {
    expect(await checkRedis(redis[0]!)).toMatchObject({ version: expect.stringMatching(/^(Redis|Valkey) \d+\./) });
  });
});

describe('notes of a call', () => {
  it('are counted once, however often its lease is settled, and forgotten in their time', async () => {
    const group = randomUUID();
    const lease = await taken(worker(), asking(group, deployment('d')));
    const endMs = Date.now() + 60_000;
    const notes: LeaseNote[] = [
      { kind: 'sample', of: 'msPerToken', ms: 12.34567, keep: 2, ttlMs: 30_000 },
      { kind: 'spend', budget: 'provider:openai', startMs: 5, endMs, usdNanos: 1_500 },
      { kind: 'spend', budget: 'deployment:d', startMs: 0, endMs: Infinity, usdNanos: 1e300 },
    ];
    for (const i of [0, 1, 2, 0]) await worker(i).settle(lease, { kind: 'succeeded', rules: RULES, notes });
    const of = (rest: string): string => `{sluice:${group}}:${rest}`;
    expect(await redis[0]!.lrange(of('dep:d:latency:msPerToken'), 0, -1)).toEqual(['12.346']);
    expect(await redis[0]!.get(of('spend:5:provider:openai'))).toBe('1500');
    expect(await redis[0]!.get(of('spend:0:deployment:d'))).toBe('1000000000000000'); // bounded: Redis could not add to it
    expect(await redis[0]!.pttl(of('dep:d:latency:msPerToken'))).toBeGreaterThan(20_000);
    expect(await redis[0]!.pttl(of('spend:5:provider:openai'))).toBeGreaterThan(3_600_000);
    expect(await redis[0]!.pttl(of('spend:0:deployment:d'))).toBe(-1);
  });

  it('keep the last samples only', async () => {
    const group = randomUUID();
    for (const ms of [1, 2, 3]) {
      const lease = await taken(worker(), asking(group, deployment('d')));
      const notes: LeaseNote[] = [{ kind: 'sample', of: 'firstTokenMs', ms, keep: 2, ttlMs: 30_000 }];
      await worker().settle(lease, { kind: 'succeeded', rules: RULES, notes });
    }
    expect(await redis[0]!.lrange(`{sluice:${group}}:dep:d:latency:firstTokenMs`, 0, -1)).toEqual(['3', '2']);
  });
});
