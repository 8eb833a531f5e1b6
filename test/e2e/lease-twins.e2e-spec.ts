import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  renewLeases,
  resetDeployment,
  settleLease,
  statusOf,
  takeLease,
  type BreakerRules,
  type HeldLease,
  type LeaseCandidate,
  type LeaseOutcome,
  type LeaseState,
} from '@sluice/core';
import { Leases, openRedis } from '@sluice/state';
import fc from 'fast-check';
import type { Redis } from 'ioredis';

/** Random histories; a nightly run asks for more. */
const RUNS = Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 150);
const STEPS = 80;
const IDS = ['a', 'b', 'c'];

const rules: fc.Arbitrary<BreakerRules> = fc.record({
  allowedFails: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 2 }),
  cooldownMs: fc.option(fc.constantFrom(0, 1_000, 7_000, 60_000), { nil: undefined, freq: 2 }),
  disableCooldowns: fc.constantFrom(false, false, false, false, false, false, true),
});
/** What `allowed_fails_policy` makes of one failure. */
const apart = fc.option(
  fc.record({
    countsAs: fc.constantFrom('timeout' as const, 'server' as const),
    allowedFails: fc.integer({ min: 0, max: 2 }),
  }),
  { nil: undefined, freq: 3 },
);

const limits = fc.record({
  order: fc.constantFrom(1, 1, 2),
  rpm: fc.constantFrom(0, 0, 1, 5),
  tpm: fc.constantFrom(0, 0, 50, 200),
  maxParallel: fc.constantFrom(0, 0, 1, 3),
});

const take = fc.record({
  do: fc.constant('take' as const),
  of: fc.shuffledSubarray(IDS, { minLength: 1 }),
  strategy: fc.constantFrom('in-order' as const, 'least-busy' as const, 'least-used' as const),
  tokens: fc.constantFrom(0, 1, 30, 120, 500),
  probeEvery: fc.constantFrom(0, 2_000),
});

const word = fc.option(
  fc.record({ left: fc.constantFrom(0, 1, 3, 40, 300), inMs: fc.constantFrom(-10, 0, 900, 20_000, 200_000) }),
  { nil: undefined, freq: 2 },
);
const said = fc.option(
  fc.oneof(fc.constantFrom('plenty' as const, 'enough' as const), fc.record({ requests: word, tokens: word })),
  {
    nil: undefined,
    freq: 2,
  },
);

/** `lease` counts back through all leases ever taken, settled ones too. */
const settle = fc.record({
  do: fc.constant('settle' as const),
  lease: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 2 }) }, { weight: 1, arbitrary: fc.nat() }),
  kind: fc.constantFrom('succeeded', 'succeeded', 'failed', 'failed', 'cools', 'out', 'neutral', 'unused'),
  isUsual: fc.constantFrom(true, true, true, true, true, false),
  tokens: fc.option(fc.constantFrom(0, 10, 45, 300), { nil: undefined }),
  tripped: fc.constantFrom(false, false, false, true),
  apart,
  said,
  retryAfterMs: fc.option(fc.constantFrom(-5, 0, 1_500, 30_000, 1e12), { nil: undefined, freq: 3 }),
});

const step = fc.oneof(
  { weight: 8, arbitrary: take },
  { weight: 8, arbitrary: settle },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 300, 1_000, 2_000, 5_000, 14_999, 15_000, 60_000, 61_000, 300_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), id: fc.constantFrom(...IDS) }) },
);

const history = fc.record({
  rules,
  /** How most calls of this history end: breakers that open again and again are rare in a mixed one. */
  usual: fc.constantFrom('failed' as const, 'failed' as const, 'succeeded' as const, undefined),
  limits: fc.tuple(limits, limits, limits),
  startMs: fc.integer({ min: 1_800_000_000_000, max: 1_800_000_002_000 }),
  steps: fc.array(step, { minLength: STEPS, maxLength: STEPS }),
});

describe('the lease scripts and their twin in core', () => {
  const unhappy: Error[] = [];
  let redis: Redis;
  beforeAll(() => {
    redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: (error) => unhappy.push(error) });
  });
  afterAll(() => redis.quit());

  it(
    `decide alike in ${RUNS} histories of ${STEPS} steps`,
    async () => {
      const seen = new Set<string>();
      await fc.assert(
        fc.asyncProperty(history, async ({ rules, usual, limits, startMs, steps }) => {
          const group = randomUUID();
          let nowMs = startMs;
          const scripts = new Leases(redis, () => nowMs);
          const twin: LeaseState = new Map();
          const held = new Map<string, HeldLease>();
          const all: HeldLease[] = [];
          const reopened = new Map<string, number>();
          const candidates = new Map(IDS.map((id, i): [string, LeaseCandidate] => [id, { id, ...limits[i]! }]));

          for (const [i, step] of steps.entries()) {
            let fromScripts: unknown;
            let fromTwin: unknown;
            switch (step.do) {
              case 'take': {
                const ask = {
                  group,
                  leaseId: `lease-${i}`,
                  strategy: step.strategy,
                  tokens: step.tokens,
                  candidates: step.of.map((id) => candidates.get(id)!),
                  probeEveryWhenAllOpenMs: step.probeEvery,
                };
                const reply = await scripts.take(ask);
                fromScripts = reply;
                fromTwin = takeLease(twin, ask, nowMs);
                if (reply.taken) {
                  all.push(reply.lease);
                  held.set(reply.lease.leaseId, reply.lease);
                  seen.add(reply.lease.isProbe ? 'probe' : 'taken');
                  if (reply.lease.isRationed) seen.add('rationed');
                } else for (const { verdict } of reply.refusals) seen.add(verdict);
                break;
              }
              case 'settle': {
                const lease = all[all.length - 1 - (step.lease % Math.max(all.length, 1))];
                if (!lease) break;
                const { tripped, retryAfterMs } = step;
                const at = (told: { left: number; inMs: number } | undefined) =>
                  told && { left: told.left, untilMs: nowMs + told.inMs };
                const { requests, tokens } = typeof step.said === 'string' || !step.said ? {} : step.said;
                const heard =
                  typeof step.said === 'string'
                    ? step.said
                    : step.said && {
                        ...(requests && { requests: at(requests) }),
                        ...(tokens && { tokens: at(tokens) }),
                      };
                const kind = step.isUsual && usual ? usual : step.kind;
                const outcome = {
                  kind,
                  rules: { ...rules, ...step.apart },
                  reason: `because of ${i}`,
                  tripped,
                  ...(heard && { said: heard }),
                  ...(step.tokens !== undefined && { tokens: step.tokens }),
                  ...(retryAfterMs !== undefined && { retryAfterMs }),
                } as LeaseOutcome;
                const reply = await scripts.settle(lease, outcome);
                fromScripts = reply;
                fromTwin = settleLease(twin, lease, outcome, nowMs);
                held.delete(lease.leaseId);
                seen.add(reply.changed);
                if (reply.changed === 'closed') reopened.delete(lease.deploymentId);
                if (reply.wasProbe && reply.changed === 'opened') {
                  reopened.set(lease.deploymentId, (reopened.get(lease.deploymentId) ?? 0) + 1);
                  seen.add(`reopened ${Math.min(reopened.get(lease.deploymentId)!, 2)}`);
                }
                break;
              }
              case 'wait':
                nowMs += step.ms;
                break;
              case 'renew':
                await scripts.renewAll();
                renewLeases(twin, held.values(), nowMs);
                break;
              case 'reset':
                await scripts.reset(group, step.id);
                resetDeployment(twin, step.id);
            }
            expect(fromScripts).toEqual(fromTwin);
            expect(await scripts.look(group, IDS)).toEqual(IDS.map((id) => statusOf(twin, id, nowMs)));
            expect(scripts.held).toBe(held.size);
          }
        }),
        { numRuns: RUNS },
      );
      expect(unhappy).toEqual([]);
      // The histories must reach every corner, or their agreement says little.
      expect([...seen].toSorted()).toEqual([
        'breaker_open',
        'closed',
        'cooled',
        'cooling',
        'nothing',
        'opened',
        'parallel',
        'probe',
        'probing',
        'rationed',
        'reopened 1',
        'reopened 2',
        'rpm',
        'taken',
        'tpm',
      ]);
    },
    60_000 + RUNS * 1_000,
  );
});
