import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { after, tried } from '../dispatch/test-routing.js';
import {
  isFirstIn,
  isRetryIn,
  RETRIES_AT_ONCE,
  RETRIES_PER_SECOND,
  retryTurn,
  type RetryBudgetState,
} from './retry-turn.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 500) };
const START_MS = 1_800_000_000_000;

/** A group's budget under a clock moved by hand. */
function budget(share: number) {
  let state: RetryBudgetState | undefined;
  return (ticket: number, calls: number, atMs: number) => {
    const asked = retryTurn(state, { share, calls, ticket }, START_MS + atMs);
    state = asked.state;
    return asked.turn;
  };
}

describe('the retry budget', () => {
  it('lets thirty go at once, then three a second, in the order of asking', () => {
    const ask = budget(0);
    const turns = Array.from({ length: 33 }, () => ask(0, 0, 0));
    expect(turns.filter(({ mayGo }) => mayGo)).toHaveLength(RETRIES_AT_ONCE);
    const waiting = turns.flatMap((turn) => (turn.mayGo ? [] : [turn]));
    expect(waiting.map(({ waitMs }) => waitMs)).toEqual([334, 667, 1_000]);
    expect(ask(waiting[1]!.ticket, 0, 334)).toMatchObject({ mayGo: false, waitMs: 333 });
    expect(ask(waiting[0]!.ticket, 0, 334)).toEqual({ mayGo: true });
    expect(ask(0, 0, 999)).toMatchObject({ mayGo: false }); // newcomers stand behind
    expect(ask(waiting[2]!.ticket, 0, 1_000)).toEqual({ mayGo: true });
  });

  it('grants a share of the calls, and keeps no more of it than thirty', () => {
    const ask = budget(0.2);
    for (let i = 0; i < 30; i++) ask(0, 0, 0);
    expect(ask(0, 0, 0)).toMatchObject({ mayGo: false });
    expect(ask(1, 10, 0)).toEqual({ mayGo: true }); // of ten calls two: the one that waits, and one more
    expect([ask(0, 0, 0).mayGo, ask(0, 0, 0).mayGo]).toEqual([true, false]);
    ask(1, 1_000_000, 60_000);
    const later = Array.from({ length: 40 }, () => ask(0, 0, 60_000).mayGo);
    expect(later.filter(Boolean)).toHaveLength(RETRIES_AT_ONCE);
  });

  it('takes a ticket from before Redis lost the count for a new one', () => {
    expect(budget(0)(500, 0, 0)).toEqual({ mayGo: true });
  });

  const steps = fc.array(
    fc.record({
      waitMs: fc.constantFrom(0, 0, 0, 1, 40, 333, 1_000, 5_000),
      calls: fc.constantFrom(0, 0, 1, 7, 100),
      asks: fc.integer({ min: 0, max: 60 }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('never lets more go in any time than it says, and lets everybody go in the end', () => {
    const holds = (share: number, history: readonly { waitMs: number; calls: number; asks: number }[]): void => {
      const ask = budget(share);
      let nowMs = 0;
      let calls = 0;
      let waiting: number[] = [];
      /** `callsBefore`: told before the moment at which it went. */
      const gone: { atMs: number; calls: number; callsBefore: number }[] = [];
      let callsBefore = 0;
      const turnOf = (ticket: number, told: number): void => {
        const turn = ask(ticket, told, nowMs);
        if (turn.mayGo) gone.push({ atMs: nowMs, calls, callsBefore });
        else waiting.push(turn.ticket);
      };
      for (const step of history) {
        nowMs += step.waitMs;
        if (step.waitMs > 0) callsBefore = calls;
        const [before, again] = [calls, waiting];
        calls += step.calls;
        waiting = [];
        let untold = step.calls;
        for (const ticket of [...again, ...Array<number>(step.asks).fill(0)]) {
          turnOf(ticket, untold);
          untold = 0;
        }
        if (untold > 0) calls = before; // nobody asked: not told
      }
      for (const [i, from] of gone.entries()) {
        for (const [k, to] of gone.slice(i).entries()) {
          const most =
            RETRIES_AT_ONCE +
            (RETRIES_PER_SECOND * (to.atMs - from.atMs)) / 1_000 +
            share * (to.calls - from.callsBefore);
          if (k + 1 > most + 1e-6) throw new Error(`${k + 1} in ${to.atMs - from.atMs} ms, at most ${most}`);
        }
      }
      const endMs = nowMs + (waiting.length / RETRIES_PER_SECOND) * 1_000 + 1_000;
      nowMs = endMs;
      const [last, left] = [waiting, gone.length];
      waiting = [];
      for (const ticket of last) turnOf(ticket, 0);
      if (waiting.length > 0 || gone.length !== left + last.length) throw new Error('somebody waits for ever');
    };
    expect(() => fc.assert(fc.property(fc.constantFrom(0, 0.2, 1), steps, holds), RUNS)).not.toThrow();
  });
});

describe('what is a retry', () => {
  it.each([
    ['the first call', after(), false, true],
    ['after a failure', after(tried('a', 'server')), true, false],
    ['after a 429', after(tried('a', 'rate_limit')), false, false],
    ['after a failure and a 429', after(tried('a', 'server'), tried('b', 'rate_limit')), false, false],
    ['after a failed probe', after(tried('a', 'server', { used: false })), false, false],
    ['after another group failed', after(tried('a', 'server', { group: 'other' })), false, true],
  ])('%s', (_what, progress, isRetry, isFirst) => {
    expect([isRetryIn('g', progress), isFirstIn('g', progress)]).toEqual([isRetry, isFirst]);
  });
});
