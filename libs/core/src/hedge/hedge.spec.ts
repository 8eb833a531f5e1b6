import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FREE_HEDGES_PER_MINUTE, takeHedge, type HedgeBudgetState } from './hedge-budget.js';
import { HEDGE_START, hedgeAfter, hedgeDelayMs, type HedgeAct, type HedgeEvent, type Racer } from './hedge.js';
import { RecentTimes } from './recent-times.js';

type Told = {
  first: 'content' | 'failure';
  second: 'content' | 'failure';
  asked: 'taken' | 'refused';
  order: number[];
};

/** Plays a race: each racer says one thing, the lease is taken or refused, in any order that can be. */
function play({ first, second, asked, order }: Told): { end: string; acts: HedgeAct[]; started: boolean } {
  const waiting = new Map<string, HedgeEvent>([
    ['first', { kind: first, by: 'first' }],
    ['asked', { kind: asked }],
  ]);
  let state = HEDGE_START;
  const acts: HedgeAct[] = [];
  let started = false;
  for (let i = 0; waiting.size > 0 && state.at !== 'won' && state.at !== 'lost'; i++) {
    const names = [...waiting.keys()];
    const name = names[(order[i] ?? 0) % names.length]!;
    const next = hedgeAfter(state, waiting.get(name)!);
    waiting.delete(name);
    state = next.state;
    acts.push(...next.acts);
    if (next.acts.includes('start_second')) {
      started = true;
      waiting.set('second', { kind: second, by: 'second' });
    }
  }
  return { end: state.at === 'won' ? `won by ${state.by}` : state.at, acts, started };
}

const told = fc.record<Told>({
  first: fc.constantFrom('content', 'failure'),
  second: fc.constantFrom('content', 'failure'),
  asked: fc.constantFrom('taken', 'refused'),
  order: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
});

describe('a race of two', () => {
  it('ends, is won by content and never by an error, and leaves nobody running and no lease held', () => {
    fc.assert(
      fc.property(told, (story) => {
        const { end, acts, started } = play(story);
        const closed = acts.flatMap((act) => (typeof act === 'object' && 'close' in act ? [act.close] : []));
        const accounted = acts.flatMap((act) => (typeof act === 'object' && 'account' in act ? [act.account] : []));
        const winner = /^won by (.*)$/.exec(end)?.[1] as Racer | undefined;
        expect(winner === undefined ? end : story[winner]).toBe(winner === undefined ? 'lost' : 'content');
        // Lost only when all that ran have failed.
        const canWin = story.first === 'content' || (story.asked === 'taken' && story.second === 'content');
        expect(end === 'lost').toBe(!canWin);
        expect(closed).not.toContain(winner);
        // Each that was started has won, was closed, or failed: of the failed the last is the attempt's own.
        expect(closed.length + accounted.length + 1).toBe(started ? 2 : 1);
        expect(acts.includes('want_no_second') && started).toBe(false);
      }),
    );
  });
});

describe('how long a first content may take', () => {
  it.each<[Parameters<typeof hedgeDelayMs>, number | undefined]>([
    [['off', 10_000, 100], undefined],
    [['rescue', 10_000, undefined], 10_000],
    [['rescue', 10_000, 2_000], 10_000],
    [['rescue', 10_000, 5_000], 15_000],
    [['eager', 10_000, undefined], 10_000],
    [['eager', 10_000, 700], 700],
    [['eager', 10_000, 3], 50],
  ])('%j: %s', (asked, expected) => {
    expect(hedgeDelayMs(...asked)).toBe(expected);
  });

  it('knows a p95 from the twentieth time on, of the last two hundred', () => {
    const times = new RecentTimes();
    for (let i = 1; i < 20; i++) times.note('a', i);
    expect([times.p95('a'), times.p95('b')]).toEqual([undefined, undefined]);
    times.note('a', 20);
    expect(times.p95('a')).toBe(19);
    for (let i = 0; i < 200; i++) times.note('a', 1_000);
    expect(times.p95('a')).toBe(1_000);
  });
});

describe('the budget of hedges', () => {
  it('is three a minute and a share of the calls, in any minute by its own reckoning', () => {
    const step = fc.record({ afterMs: fc.nat(20_000), calls: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(0, 0.05, 0.5), (steps, share) => {
        let state: HedgeBudgetState | undefined;
        let nowMs = 1_700_000_000_000;
        let [hedges, calls] = [0, 0];
        for (const { afterMs, calls: more } of steps) {
          nowMs += afterMs;
          calls += more;
          const asked = takeHedge(state, { share, calls: more }, nowMs);
          state = asked.state;
          if (asked.mayGo) hedges++;
        }
        const minutes = 2 + Math.floor((nowMs - 1_700_000_000_000) / 60_000);
        expect(hedges).toBeLessThanOrEqual(FREE_HEDGES_PER_MINUTE * minutes + 2 * share * calls);
      }),
    );
  });

  it('comes back with the minutes', () => {
    const at = (state: HedgeBudgetState | undefined, calls: number, seconds: number) =>
      takeHedge(state, { share: 0.05, calls }, 60_000_000 + seconds * 1_000);
    let last = at(undefined, 0, 0);
    for (let i = 0; i < 2; i++) last = at(last.state, 0, 1);
    expect([last.mayGo, at(last.state, 0, 2).mayGo, at(last.state, 19, 2).mayGo]).toEqual([true, false, false]);
    expect([at(last.state, 20, 2).mayGo, at(last.state, 0, 65).mayGo]).toEqual([true, false]);
    expect([at(last.state, 0, 80).mayGo, at(last.state, 0, 200).mayGo]).toEqual([true, true]);
  });
});
