import { describe, expect, it } from '@jest/globals';
import { statusOf, type LeaseState } from './deployment-state.js';
import type { BreakerRules, HeldLease, LeaseAsk, LeaseCandidate, LeaseOutcome } from './lease.js';
import { renewLeases, settleLease } from './settle-lease.js';
import { takeLease } from './take-lease.js';

const UNSET: BreakerRules = { allowedFails: undefined, cooldownMs: undefined, disableCooldowns: false };

/** A cluster whose clock is moved by hand. */
function cluster(rules: Partial<BreakerRules> = {}) {
  const state: LeaseState = new Map();
  const start = 1_800_000_000_000;
  let leaseIds = 0;
  const at = { ms: 0 };

  function take(candidates: (string | (Partial<LeaseCandidate> & { id: string }))[], ask: Partial<LeaseAsk> = {}) {
    const limits = { order: 1, rpm: 0, tpm: 0, maxParallel: 0 };
    const full: LeaseAsk = {
      group: 'g',
      leaseId: `lease-${leaseIds++}`,
      strategy: 'in-order',
      tokens: 10,
      probeEveryWhenAllOpenMs: 0,
      ...ask,
      candidates: candidates.map((c) => (typeof c === 'string' ? { id: c, ...limits } : { ...limits, ...c })),
    };
    return takeLease(state, full, start + at.ms);
  }
  function lease(...ask: Parameters<typeof take>): HeldLease {
    const reply = take(...ask);
    if (!reply.taken) throw new Error(JSON.stringify(reply.refusals));
    return reply.lease;
  }
  function refusals(...ask: Parameters<typeof take>): [verdict: string, afterMs: number][] {
    const reply = take(...ask);
    if (reply.taken) throw new Error(`taken: ${reply.lease.deploymentId}`);
    return reply.refusals.map(({ verdict, untilMs }) => [verdict, untilMs === 0 ? 0 : untilMs - start - at.ms]);
  }
  type Bare<T> = T extends unknown ? Omit<T, 'rules' | 'reason'> & { rules?: Partial<BreakerRules> } : never;
  function settle(held: HeldLease, outcome: Bare<LeaseOutcome>) {
    const full = { ...outcome, reason: 'why', rules: { ...UNSET, ...rules, ...outcome.rules } } as LeaseOutcome;
    return settleLease(state, held, full, start + at.ms);
  }
  const fail = (times: number, id = 'd') => {
    for (let i = 1; i < times; i++) settle(lease([id]), { kind: 'failed' });
    return settle(lease([id]), { kind: 'failed' });
  };
  const renew = (held: HeldLease) => renewLeases(state, [held], start + at.ms);
  return { at, take, lease, refusals, settle, fail, renew, look: (id = 'd') => statusOf(state, id, start + at.ms) };
}

describe('which deployment gets the call', () => {
  it('in order: the first that is free', () => {
    const { lease } = cluster();
    const [a, b] = [{ id: 'a', maxParallel: 1 }, { id: 'b' }];
    expect([lease([a, b]), lease([a, b]), lease([a, b])].map((l) => l.deploymentId)).toEqual(['a', 'b', 'b']);
  });

  it('least busy: the one with the fewest in flight, ties in the given order, never a later tier', () => {
    const { lease } = cluster();
    const candidates = [{ id: 'late', order: 2 }, { id: 'a' }, { id: 'b' }];
    const ids = [1, 2, 3, 4].map(() => lease(candidates, { strategy: 'least-busy' }).deploymentId);
    expect(ids).toEqual(['a', 'b', 'a', 'b']);
  });

  it('the next tier when the first has none free', () => {
    const { lease } = cluster();
    const candidates = [
      { id: 'late', order: 2 },
      { id: 'a', maxParallel: 1 },
    ];
    expect([lease(candidates), lease(candidates)].map((l) => l.deploymentId)).toEqual(['a', 'late']);
  });
});

describe('limits', () => {
  it('rpm counts what was taken, for a full minute', () => {
    const { at, lease, refusals, settle } = cluster();
    const limited = [{ id: 'd', rpm: 2 }];
    at.ms = 900;
    settle(lease(limited), { kind: 'failed' });
    settle(lease(limited), { kind: 'succeeded' });
    expect(refusals(limited)).toEqual([['rpm', 60_600]]);
    at.ms = 60_900; // a minute later, the second in which they were taken still counts
    expect(refusals(limited)).toEqual([['rpm', 600]]);
    at.ms = 61_500;
    lease(limited);
  });

  it('tokens are reserved, and settled with what was used', () => {
    const { lease, refusals, settle, look } = cluster();
    const limited = [{ id: 'd', tpm: 100 }];
    const held = lease(limited, { tokens: 80 });
    expect(refusals(limited, { tokens: 30 })).toEqual([['tpm', 0]]); // it may give some back
    settle(held, { kind: 'succeeded', tokens: 20 });
    expect(look().tokens).toBe(20);
    expect(refusals(limited, { tokens: 81 })).toEqual([['tpm', 61_500]]);
    lease(limited, { tokens: 80 });
  });

  it('an estimate above the whole limit goes through an empty minute only', () => {
    const { at, lease, settle, refusals } = cluster();
    const limited = [{ id: 'd', tpm: 100 }];
    settle(lease(limited, { tokens: 150 }), { kind: 'succeeded' });
    expect(refusals(limited, { tokens: 150 })).toEqual([['tpm', 61_500]]);
    expect(refusals(limited, { tokens: 1 })).toEqual([['tpm', 61_500]]);
    at.ms = 61_500;
    lease(limited, { tokens: 150 });
  });

  it('what never reached the provider is given back', () => {
    const { lease, settle, look } = cluster();
    settle(lease([{ id: 'd', rpm: 1 }]), { kind: 'unused' });
    expect(look()).toMatchObject({ requests: 0, tokens: 0, inFlight: 0 });
  });

  it('a lease frees its slot after 15 s, unless it is renewed', () => {
    const { at, lease, refusals, renew } = cluster();
    const one = [{ id: 'd', maxParallel: 1 }];
    const held = lease(one);
    at.ms = 10_000;
    renew(held);
    at.ms = 24_999;
    expect(refusals(one)).toEqual([['parallel', 0]]);
    at.ms = 25_000;
    lease(one);
  });
});

describe('the breaker', () => {
  it.each([
    [{}, 3, 'closed'],
    [{}, 4, 'open'],
    [{ allowedFails: 3 }, 3, 'closed'],
    [{ allowedFails: 3 }, 4, 'open'],
    [{ allowedFails: 0 }, 1, 'open'],
    [{ allowedFails: 0, cooldownMs: 0 }, 20, 'closed'],
    [{ disableCooldowns: true }, 20, 'closed'],
  ])('%j: after %i failures it is %s', (rules, times, state) => {
    expect(cluster(rules).fail(times).stateAfter).toBe(state);
  });

  it('unset: a success between the failures begins anew; set: it does not', () => {
    for (const [rules, state] of [
      [{}, 'closed'],
      [{ allowedFails: 3 }, 'open'],
    ] as const) {
      const { fail, settle, lease } = cluster(rules);
      fail(3);
      settle(lease(['d']), { kind: 'succeeded' });
      expect(fail(1).stateAfter).toBe(state);
    }
  });

  it('set: what is a minute old no longer counts', () => {
    const { at, fail } = cluster({ allowedFails: 3 });
    fail(3);
    at.ms = 60_000;
    expect(fail(3).stateAfter).toBe('closed');
    expect(fail(1).stateAfter).toBe('open');
  });

  it.each([
    [undefined, 'open'],
    [10, 'closed'],
  ])('allowed_fails %s: after the local circuit went open it is %s', (allowedFails, state) => {
    const { settle, lease } = cluster({ allowedFails });
    expect(settle(lease(['d']), { kind: 'failed', tripped: true }).stateAfter).toBe(state);
  });

  it('counts a class that allowed_fails_policy names with its like only (L32)', () => {
    const { settle, lease } = cluster({ allowedFails: 1 });
    const fail = (rules: Partial<BreakerRules> = {}) => settle(lease(['d']), { kind: 'failed', rules }).stateAfter;
    const timeout = { countsAs: 'timeout' as const, allowedFails: 2 };
    expect([fail(timeout), fail(timeout), fail()]).toEqual(['closed', 'closed', 'closed']);
    expect(fail(timeout)).toBe('open');
  });

  it('out: told once, and again when the probe finds it still so', () => {
    const { at, lease, settle } = cluster();
    const both = [lease(['d']), lease(['d'])];
    expect(both.map((held) => settle(held, { kind: 'out' }).changed)).toEqual(['opened', 'nothing']);
    at.ms = 300_000;
    expect(settle(lease(['d']), { kind: 'out' })).toMatchObject({ wasProbe: true, changed: 'opened' });
  });

  it('stays open 5 s, 10 s, 15 s, 15 s while the first call back fails, and 5 s again once one succeeded', () => {
    const { at, fail, lease, settle, refusals } = cluster();
    fail(4);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const [, afterMs] = refusals(['d'])[0]!;
      waits.push(afterMs);
      at.ms += afterMs;
      const probe = lease(['d']);
      expect(settle(probe, { kind: 'failed' })).toMatchObject({ wasProbe: true, stateAfter: 'open' });
    }
    expect(waits).toEqual([5_000, 10_000, 15_000, 15_000]);
    at.ms += 15_000;
    expect(settle(lease(['d']), { kind: 'succeeded' })).toMatchObject({ stateAfter: 'closed', changed: 'closed' });
    fail(4);
    expect(refusals(['d'])).toEqual([['breaker_open', 5_000]]);
  });

  it('takes a configured cooldown as it is, each time', () => {
    const { at, fail, lease, settle, refusals } = cluster({ cooldownMs: 60_000 });
    fail(4);
    expect(refusals(['d'])).toEqual([['breaker_open', 60_000]]);
    at.ms += 60_000;
    settle(lease(['d']), { kind: 'failed' });
    expect(refusals(['d'])).toEqual([['breaker_open', 60_000]]);
  });

  it('lets one probe through, gives it back when it says nothing, and when its worker is lost', () => {
    const { at, fail, lease, settle, refusals } = cluster();
    fail(4);
    at.ms = 5_000;
    const first = lease(['d']);
    expect(first.isProbe).toBe(true);
    expect(refusals(['d'])).toEqual([['probing', 0]]);
    expect(settle(first, { kind: 'neutral' })).toMatchObject({ wasProbe: true, stateAfter: 'open' });
    const lost = lease(['d']);
    at.ms = 20_000;
    const third = lease(['d']);
    expect(third.isProbe).toBe(true);
    expect(settle(lost, { kind: 'succeeded' })).toMatchObject({ wasProbe: false, stateAfter: 'open' });
    expect(settle(third, { kind: 'succeeded' }).stateAfter).toBe('closed');
  });

  it('is not moved by calls that began before it opened', () => {
    const { at, fail, lease, settle } = cluster();
    const [early, other] = [lease(['d']), lease(['d'])];
    const { untilMs } = fail(4);
    at.ms = 1_000;
    expect(settle(early, { kind: 'failed' })).toMatchObject({ stateAfter: 'open', untilMs, changed: 'nothing' });
    expect(settle(other, { kind: 'succeeded' })).toMatchObject({ stateAfter: 'open', untilMs, changed: 'nothing' });
  });

  it('out: five minutes, without early probes', () => {
    const { at, lease, settle, refusals } = cluster();
    settle(lease(['d']), { kind: 'out' });
    at.ms = 10_000;
    expect(refusals(['d'], { probeEveryWhenAllOpenMs: 2_000 })).toEqual([['breaker_open', 290_000]]);
    at.ms = 300_000;
    expect(lease(['d']).isProbe).toBe(true);
  });

  it('is probed each 2 s while the whole group is open, one deployment as little as the other', () => {
    const { at, fail, take, lease, settle, refusals } = cluster({ cooldownMs: 60_000 });
    fail(4, 'a');
    fail(4, 'b');
    const ask = { probeEveryWhenAllOpenMs: 2_000 };
    const probed: string[] = [];
    for (; at.ms < 7_000; at.ms += 500) {
      for (let reply = take(['a', 'b'], ask); reply.taken; reply = take(['a', 'b'], ask)) {
        probed.push(`${reply.lease.deploymentId} ${at.ms}`);
        settle(reply.lease, { kind: 'failed' });
      }
    }
    expect(probed).toEqual(['a 2000', 'b 2000', 'a 4000', 'b 4000', 'a 6000', 'b 6000']);
    expect(refusals(['a'], ask)).toEqual([['breaker_open', 1_000]]);
    expect(lease(['a', 'c'], ask).deploymentId).toBe('c');
  });
});

describe('a cooldown', () => {
  it.each([
    [undefined, {}, 5_000],
    [undefined, { cooldownMs: 60_000 }, 60_000],
    [2_000, { cooldownMs: 60_000 }, 2_000],
    [1e12, {}, 86_400_000],
  ])('lasts for the hint (%s) or else the cooldown time (%j): %i ms', (retryAfterMs, rules, ms) => {
    const { lease, settle, refusals } = cluster(rules);
    const outcome = settle(lease(['d']), { kind: 'cools', ...(retryAfterMs !== undefined && { retryAfterMs }) });
    expect(outcome).toMatchObject({ stateAfter: 'cooling', changed: 'cooled' });
    expect(refusals(['d'])).toEqual([['cooling', ms]]);
  });

  it('is never shortened', () => {
    const { lease, settle, refusals } = cluster();
    const [first, second] = [lease(['d']), lease(['d'])];
    settle(first, { kind: 'cools', retryAfterMs: 30_000 });
    settle(second, { kind: 'cools', retryAfterMs: 1_000 });
    expect(refusals(['d'])).toEqual([['cooling', 30_000]]);
  });

  it('comes with a failure that has a hint, which counts too', () => {
    const { lease, settle, look } = cluster();
    settle(lease(['d']), { kind: 'failed', retryAfterMs: 3_000 });
    expect(look()).toMatchObject({ failures: 1, breaker: 'closed', coolingReason: 'why' });
  });
});

describe('a lease that is settled twice, or late', () => {
  it('counts once', () => {
    const { at, lease, settle, look } = cluster();
    const held = lease([{ id: 'd', tpm: 100 }]);
    at.ms = 20_000; // run out
    settle(held, { kind: 'failed', tokens: 40 });
    settle(held, { kind: 'failed', tokens: 40 });
    expect(look()).toMatchObject({ failures: 1, tokens: 40, inFlight: 0 });
  });
});
