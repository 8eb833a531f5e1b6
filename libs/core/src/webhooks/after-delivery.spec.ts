import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { afterDelivery, DAY_MS, RETRY_STEPS_MS, type TryOutcome } from './after-delivery.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const NOW = 1_800_000_000_000;
const failed: TryOutcome = { kind: 'unanswered', error: 'timeout' };
const answered = (status: number, retryAfterMs?: number): TryOutcome =>
  retryAfterMs === undefined ? { kind: 'answered', status } : { kind: 'answered', status, retryAfterMs };

const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const outcome: fc.Arbitrary<TryOutcome> = fc.oneof(
  fc.constant(failed),
  fc
    .record({
      status: fc.constantFrom(200, 204, 301, 307, 400, 404, 410, 429, 500, 502, 503, 504),
      retryAfterMs: fc.option(fc.integer({ min: -1e12, max: 1e12 }), { nil: undefined }),
    })
    .map(({ status, retryAfterMs }) => answered(status, retryAfterMs)),
);

describe('afterDelivery', () => {
  it.each([
    [1, 5],
    [2, 300],
    [3, 1_800],
    [4, 7_200],
    [5, 18_000],
    [6, 36_000],
    [7, 50_400],
    [8, 72_000],
    [9, 86_400],
  ])('after failure %i it comes again in %i s, or up to a tenth later', (tries, seconds) => {
    expect(afterDelivery(tries, failed, NOW, 0)).toEqual({ kind: 'again', atMs: NOW + seconds * 1_000 });
    expect(afterDelivery(tries, failed, NOW, 1 - Number.EPSILON)).toEqual({
      kind: 'again',
      atMs: NOW + seconds * 1_100,
    });
  });

  it('gives up after ten tries', () => {
    expect(afterDelivery(10, failed, NOW, 0)).toEqual({ kind: 'failed', isGone: false });
  });

  it.each([200, 201, 204, 299])('takes %i for delivered', (status) => {
    expect(afterDelivery(1, answered(status), NOW, 0)).toEqual({ kind: 'delivered' });
  });

  it.each([301, 302, 307, 308, 400, 401, 404, 500])('takes %i for a failure like any other', (status) => {
    expect(afterDelivery(1, answered(status, 60_000), NOW, 0)).toEqual({ kind: 'again', atMs: NOW + 5_000 });
  });

  it('knows from 410 that nothing more is wanted', () => {
    expect(afterDelivery(1, answered(410), NOW, 0)).toEqual({ kind: 'failed', isGone: true });
  });

  it.each([429, 502, 504])('honours the Retry-After of a %i, up to a day', (status) => {
    const minute = { kind: 'again', atMs: NOW + 60_000, calmUntilMs: NOW + 60_000 };
    expect(afterDelivery(1, answered(status, 60_000), NOW, 0)).toEqual(minute);
    const day = { kind: 'again', atMs: NOW + DAY_MS, calmUntilMs: NOW + DAY_MS };
    expect(afterDelivery(1, answered(status, 1e12), NOW, 0)).toEqual(day);
    expect(afterDelivery(2, answered(status, -7), NOW, 0)).toEqual({
      kind: 'again',
      atMs: NOW + 300_000,
      calmUntilMs: NOW,
    });
  });

  it('never comes before its step, nor before what was asked for, nor later than both and a tenth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), outcome, dice, (tries, what, drawn) => {
        const after = afterDelivery(tries, what, NOW, drawn);
        const step = RETRY_STEPS_MS[tries - 1]!;
        const asked = (after.kind === 'again' && after.calmUntilMs) || NOW;
        const waitMs = after.kind === 'again' ? after.atMs - NOW : step;
        expect(waitMs).toBeGreaterThanOrEqual(Math.max(step, asked - NOW));
        expect(waitMs).toBeLessThanOrEqual(Math.max(Math.round(step * 1.1), asked - NOW));
        expect(asked - NOW).toBeLessThanOrEqual(DAY_MS);
      }),
      RUNS,
    );
  });

  it('ends every delivery within ten tries', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(outcome, dice), { minLength: 10, maxLength: 10 }), (tries) => {
        const ends = tries.map(([what, drawn], i) => afterDelivery(i + 1, what, NOW, drawn).kind);
        expect(ends.some((kind) => kind !== 'again')).toBe(true);
      }),
      RUNS,
    );
  });
});
