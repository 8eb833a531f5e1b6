import { describe, expect, it } from '@jest/globals';
import { hasWaitedOut, noteOutage, type Outage } from './outage.js';

const WAIT = { outageWaitMs: 10_000 };

describe('an outage as the jobs tell it that wait it out', () => {
  it('lasts from the first that knew of it, while one looks every few seconds', () => {
    let known: Outage | undefined;
    for (const [nowMs, sinceMs] of [
      [1_000, 900],
      [6_000, 5_950],
      [11_000, 900],
    ] as const)
      known = noteOutage(known, sinceMs, nowMs);
    expect(known).toEqual({ sinceMs: 900, seenMs: 11_000 });
  });

  it('is another one when nobody was given back for longer than that', () => {
    expect(noteOutage({ sinceMs: 900, seenMs: 1_000 }, 20_000, 20_100)).toEqual({ sinceMs: 20_000, seenMs: 20_100 });
  });
});

describe('a call that nobody has begun', () => {
  it.each<[string, Outage | undefined, number, boolean]>([
    ['no outage', undefined, 0, false],
    ['an outage older than the call, which is not old enough', { sinceMs: 0, seenMs: 99_000 }, 90_001, false],
    ['an outage older than the call, which waited its time', { sinceMs: 0, seenMs: 99_000 }, 90_000, true],
    ['a call older than the outage, which is not old enough', { sinceMs: 90_001, seenMs: 99_000 }, 0, false],
    ['a call older than the outage, which lasted its time', { sinceMs: 90_000, seenMs: 99_000 }, 0, true],
    ['an outage that nobody has met any more', { sinceMs: 0, seenMs: 91_999 }, 0, false],
  ])('%s', (_what, known, acceptedAtMs, expected) => {
    expect(hasWaitedOut(known, { acceptedAtMs, ...WAIT }, 100_000)).toBe(expected);
  });
});
