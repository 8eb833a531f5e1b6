import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BreakerRules, HeldLease, LeaseAsk, LeaseCandidate } from '@sluice/core';
import { Leases, openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';

const RULES: BreakerRules = { allowedFails: undefined, cooldownMs: undefined, disableCooldowns: false };

let redis: Redis[];
/** Moved by hand where a test is about time; the others use the server's. */
let nowMs: number;

beforeAll(() => {
  nowMs = 1_800_000_000_000;
  redis = [0, 1, 2].map(() =>
    openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: (error) => expect(error).toBeUndefined() }),
  );
});
afterAll(() => Promise.all(redis.map((client) => client.quit())));

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
    await refused(living, asking(group, one));
    nowMs += 1;
    await taken(living, asking(group, one));
    nowMs += 10_000;
    await living.renewAll();
    nowMs += 10_000;
    await refused(lost, asking(group, one));
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
