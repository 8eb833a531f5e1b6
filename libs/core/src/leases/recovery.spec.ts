import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dice } from '../dispatch/test-routing.js';
import type { LeaseState } from './deployment-state.js';
import type { BreakerRules, HeldLease, LeaseOutcome } from './lease.js';
import { settleLease } from './settle-lease.js';
import { takeLease } from './take-lease.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 300) };
const TICK_MS = 100;
const PROBE_EVERY_MS = 2_000;
const CALL_MS = 300;

/** What a provider does from a time on. */
type Phase = { fromMs: number; does: 'answers' | 'fails' | 'refuses' | 'limits' };

const phases = fc
  .array(
    fc.record({
      forMs: fc.constantFrom(500, 4_000, 9_000, 40_000),
      does: fc.constantFrom('answers', 'answers', 'fails', 'fails', 'limits', 'refuses'),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((drawn) => {
    let fromMs = 0;
    return drawn.map(({ forMs, does }): Phase => {
      const phase = { fromMs, does } as Phase;
      fromMs += forMs;
      return phase;
    });
  });

const rules: fc.Arbitrary<BreakerRules> = fc.record({
  allowedFails: fc.constantFrom(undefined, 0, 2),
  cooldownMs: fc.constantFrom(undefined, 1_000, 60_000, 3_600_000),
  disableCooldowns: fc.constant(false),
});

describe('a group under steady calls', () => {
  it('is never shut for longer than one probe interval while one of its providers would answer', () => {
    const holds = (providers: readonly Phase[][], rule: BreakerRules, seed: number): void => {
      const state: LeaseState = new Map();
      const random = dice(seed);
      const under: { held: HeldLease; outcome: LeaseOutcome; endMs: number }[] = [];
      /** When the group was last seen open. */
      let openAtMs = 0;
      /** Since when each would answer whom nothing but its failures of before keeps out. */
      const freeSince = new Map<number, number>();
      let openedOut = new Map<number, number>();
      for (let nowMs = 0; nowMs < 100_000; nowMs += TICK_MS) {
        const now = 1_800_000_000_000 + nowMs;
        for (const done of under.filter(({ endMs }) => endMs <= nowMs)) {
          under.splice(under.indexOf(done), 1);
          settleLease(state, done.held, done.outcome, now);
          if (done.outcome.kind === 'succeeded') openAtMs = nowMs;
          if (done.outcome.kind === 'out') openedOut = openedOut.set(Number(done.held.deploymentId), nowMs + 300_000);
        }
        const does = (i: number): Phase['does'] => providers[i]!.findLast(({ fromMs }) => fromMs <= nowMs)!.does;
        const isFree = (i: number): boolean =>
          does(i) === 'answers' && (openedOut.get(i) ?? 0) <= nowMs && (state.get(String(i))?.coolUntilMs ?? 0) <= now;
        for (const i of providers.keys()) {
          if (!isFree(i)) freeSince.delete(i);
          else if (!freeSince.has(i)) freeSince.set(i, nowMs);
        }
        // Each is asked once in an interval: two that answer in turns may both be asked at the wrong time.
        for (const since of freeSince.values()) {
          const shutForMs = nowMs - Math.max(openAtMs, since);
          if (shutForMs > PROBE_EVERY_MS + 2 * CALL_MS + TICK_MS)
            throw new Error(`shut for ${shutForMs} ms at ${nowMs}`);
        }

        const ids = providers.map((_, i) => String(i));
        const candidates = ids
          .toSorted(() => random() - 0.5)
          .map((id) => ({ id, order: 1, rpm: 0, tpm: 0, maxParallel: 0 }));
        const ask = { group: 'g', leaseId: `l${nowMs}`, strategy: 'in-order' as const, tokens: 1, candidates };
        const reply = takeLease(state, { ...ask, probeEveryWhenAllOpenMs: PROBE_EVERY_MS }, now);
        if (!reply.taken) continue;
        if (!reply.lease.isProbe) openAtMs = nowMs; // the group is not shut
        const about = { rules: rule, reason: 'test' };
        const outcomes: Record<Phase['does'], LeaseOutcome> = {
          answers: { kind: 'succeeded', rules: rule },
          fails: { kind: 'failed', ...about },
          refuses: { kind: 'out', ...about },
          limits: { kind: 'cools', retryAfterMs: 20_000, ...about },
        };
        under.push({
          held: reply.lease,
          outcome: outcomes[does(Number(reply.lease.deploymentId))],
          endMs: nowMs + CALL_MS,
        });
      }
    };
    const world = fc.array(phases, { minLength: 1, maxLength: 4 });
    expect(() => fc.assert(fc.property(world, rules, fc.nat(), holds), RUNS)).not.toThrow();
  });
});
