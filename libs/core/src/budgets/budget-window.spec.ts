import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budgetPeriodOf, budgetWindow } from './budget-window.js';

const at = (text: string): number => Date.parse(text);
const shown = (ms: number): string => new Date(ms).toISOString();
const windowAt = (period: string, zone: string, now: string): string[] => {
  const { startMs, endMs } = budgetWindow(budgetPeriodOf(period)!, zone, at(now));
  return [shown(startMs), shown(endMs)].map((text) => text.slice(0, 19));
};

describe('a budget period', () => {
  it.each([
    ['30s', { count: 30, unit: 's' }],
    ['90m', { count: 90, unit: 'm' }],
    ['2w', { count: 2, unit: 'w' }],
    ['1mo', { count: 1, unit: 'mo' }],
    [' monthly ', { count: 1, unit: 'mo' }],
    ['daily', { count: 1, unit: 'd' }],
    ['0d', undefined],
    ['d', undefined],
    ['1 day', undefined],
    ['-1d', undefined],
  ])('%s', (text, expected) => {
    expect(budgetPeriodOf(text)).toEqual(expected);
  });
});

describe('a budget is reset', () => {
  it.each([
    ['1d', 'UTC', '2026-11-21T16:00:00Z', '2026-11-21T00:00:00', '2026-11-22T00:00:00'],
    ['24h', 'UTC', '2026-11-21T16:00:00Z', '2026-11-21T00:00:00', '2026-11-22T00:00:00'],
    ['daily', 'Asia/Tokyo', '2026-11-21T16:00:00Z', '2026-11-21T15:00:00', '2026-11-22T15:00:00'],
    ['1d', 'America/St_Johns', '2026-11-21T03:00:00Z', '2026-11-20T03:30:00', '2026-11-21T03:30:00'],
    ['7d', 'UTC', '2026-11-21T16:00:00Z', '2026-11-16T00:00:00', '2026-11-23T00:00:00'],
    ['weekly', 'UTC', '2026-11-16T00:00:00Z', '2026-11-16T00:00:00', '2026-11-23T00:00:00'],
    ['30d', 'UTC', '2026-11-21T16:00:00Z', '2026-11-01T00:00:00', '2026-12-01T00:00:00'],
    ['1mo', 'Europe/Berlin', '2026-03-31T22:30:00Z', '2026-03-31T22:00:00', '2026-04-30T22:00:00'],
    ['monthly', 'Europe/Berlin', '2026-03-15T12:00:00Z', '2026-02-28T23:00:00', '2026-03-31T22:00:00'],
    ['yearly', 'UTC', '2026-11-21T16:00:00Z', '2026-01-01T00:00:00', '2027-01-01T00:00:00'],
    ['1h', 'UTC', '2026-11-21T16:20:00Z', '2026-11-21T16:00:00', '2026-11-21T17:00:00'],
    ['30s', 'UTC', '2026-11-21T16:20:45Z', '2026-11-21T16:20:30', '2026-11-21T16:21:00'],
  ])('%s in %s, at %s', (period, zone, now, start, end) => {
    expect(windowAt(period, zone, now)).toEqual([start, end]); // L76's boundaries
  });

  it('on days that are 23 and 25 hours long', () => {
    expect(windowAt('1d', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toEqual([
      '2026-03-28T23:00:00',
      '2026-03-29T22:00:00',
    ]);
    expect(windowAt('1d', 'Europe/Berlin', '2026-10-25T10:00:00Z')).toEqual([
      '2026-10-24T22:00:00',
      '2026-10-25T23:00:00',
    ]);
  });

  it('without gaps: each moment is in one window, and the next begins where it ends', () => {
    const period = fc.constantFrom('30s', '90m', '1h', '24h', '1d', '3d', '7d', '2w', '1mo', '3mo', '1y');
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland');
    const now = fc.integer({ min: at('1999-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') });
    fc.assert(
      fc.property(period, zone, now, (text, timeZone, nowMs) => {
        const of = budgetPeriodOf(text)!;
        const { startMs, endMs } = budgetWindow(of, timeZone, nowMs);
        expect(startMs <= nowMs && nowMs < endMs).toBe(true);
        expect(budgetWindow(of, timeZone, endMs - 1)).toEqual({ startMs, endMs });
        expect(budgetWindow(of, timeZone, endMs).startMs).toBe(endMs);
      }),
      { numRuns: 500 },
    );
  });
});
