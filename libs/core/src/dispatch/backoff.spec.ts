import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs, fixedDice } from './backoff.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };

describe('backoffMs', () => {
  it.each([
    [1, 250, 500],
    [2, 500, 1_000],
    [3, 1_000, 2_000],
    [5, 4_000, 8_000],
    [6, 4_000, 8_000],
    [1_000, 4_000, 8_000],
  ])('after failure %i: from %i to %i ms', (failures, least, most) => {
    expect(backoffMs(failures, 0, 0)).toBe(least);
    expect(backoffMs(failures, 0, 1 - Number.EPSILON)).toBe(most);
  });

  it('is never under the router’s retry_after, and else between half and all of its step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(20_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, leastMs, dice) => {
          const ms = backoffMs(failures, leastMs, dice);
          expect(ms).toBeGreaterThanOrEqual(leastMs);
          expect(ms).toBeLessThanOrEqual(Math.max(leastMs, 8_000));
          expect(Number.isInteger(ms)).toBe(true);
        },
      ),
      RUNS,
    );
  });
});

describe('fixedDice', () => {
  it('is the same for the same failure, and spreads over different ones', () => {
    const draws = Array.from({ length: 10_000 }, (_, i) => fixedDice('azure-west', 1_800_000_000_000 + i));
    expect(draws.every((d) => d >= 0 && d < 1)).toBe(true);
    expect(fixedDice('azure-west', 1_800_000_000_000)).toBe(draws[0]);
    const mean = draws.reduce((sum, d) => sum + d, 0) / draws.length;
    expect(mean).toBeGreaterThan(0.4);
    expect(mean).toBeLessThan(0.6);
    expect(fixedDice('a', 1)).not.toBe(fixedDice('b', 1));
  });
});
