import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LimitWindows } from './limit-windows.js';
import { readScript } from './script/script.js';

const windows = (limits: object): LimitWindows => new LimitWindows(readScript({ limits }).limits);

describe('a fixed window', () => {
  it('opens with the first call and admits so many until it closes', () => {
    const limits = windows({ rpm: 2, windowMs: 10_000 });
    expect(limits.admit(1, 0, 5_000)).toEqual({ admitted: true });
    expect(limits.admit(1, 0, 6_000)).toEqual({ admitted: true });
    expect(limits.admit(1, 0, 7_000)).toEqual({ admitted: false, limit: 'requests', retryAfterMs: 8_000 });
    expect(limits.admit(1, 0, 14_999)).toEqual({ admitted: false, limit: 'requests', retryAfterMs: 1 });
    expect(limits.admit(1, 0, 15_000)).toEqual({ admitted: true });
    expect(limits.state(16_000, 1_000_016_000).requests).toEqual({
      limit: 2,
      remaining: 1,
      resetMs: 9_000,
      resetAtMs: 1_000_025_000,
    });
  });

  it('counts tokens, and a refused call uses none', () => {
    const limits = windows({ tpm: 100 });
    expect(limits.admit(60, 0, 0).admitted).toBe(true);
    expect(limits.admit(41, 0, 0)).toEqual({ admitted: false, limit: 'tokens', retryAfterMs: 60_000 });
    expect(limits.admit(40, 0, 0).admitted).toBe(true);
    expect(limits.state(0, 0).tokens).toMatchObject({ limit: 100, remaining: 0 });
  });
});

describe('a sliding window', () => {
  it('gives back each call when it is a window old', () => {
    const limits = windows({ rpm: 2, windowMs: 1_000, window: 'sliding' });
    expect(limits.admit(1, 0, 0).admitted).toBe(true);
    expect(limits.admit(1, 0, 400).admitted).toBe(true);
    expect(limits.admit(1, 0, 900)).toEqual({ admitted: false, limit: 'requests', retryAfterMs: 100 });
    expect(limits.admit(1, 0, 1_000).admitted).toBe(true);
    expect(limits.admit(1, 0, 1_100)).toEqual({ admitted: false, limit: 'requests', retryAfterMs: 300 });
  });

  it('waits for as many tokens as the call needs', () => {
    const limits = windows({ tpm: 100, windowMs: 1_000, window: 'sliding' });
    for (const [atMs, tokens] of [
      [0, 10],
      [300, 20],
      [600, 70],
    ] as const) {
      expect(limits.admit(tokens, 0, atMs).admitted).toBe(true);
    }
    expect(limits.admit(30, 0, 700)).toEqual({ admitted: false, limit: 'tokens', retryAfterMs: 600 });
  });
});

describe('any limits', () => {
  it('admit so many at a time', () => {
    const limits = windows({ concurrency: 2 });
    expect(limits.admit(1, 1, 0).admitted).toBe(true);
    expect(limits.admit(1, 2, 0)).toEqual({ admitted: false, limit: 'concurrency', retryAfterMs: 1_000 });
  });

  it('are kept in every window, and whoever waits as told gets in', () => {
    const calls = fc.array(fc.record({ gapMs: fc.nat(400), tokens: fc.integer({ min: 1, max: 30 }) }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(calls, fc.constantFrom('fixed', 'sliding'), (history, window) => {
        const limits = windows({ rpm: 5, tpm: 60, windowMs: 1_000, window });
        const admitted: { atMs: number; tokens: number }[] = [];
        let nowMs = 0;
        for (const { gapMs, tokens } of history) {
          nowMs += gapMs;
          const admission = limits.admit(tokens, 0, nowMs);
          if (!admission.admitted) {
            nowMs += admission.retryAfterMs;
            if (!limits.admit(tokens, 0, nowMs).admitted) throw new Error('refused after the wait it asked for');
          }
          admitted.push({ atMs: nowMs, tokens });
        }
        if (window === 'fixed') return;
        for (const { atMs } of admitted) {
          const inWindow = admitted.filter((one) => one.atMs > atMs - 1_000 && one.atMs <= atMs);
          expect(inWindow.length).toBeLessThanOrEqual(5);
          expect(inWindow.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(60);
        }
      }),
    );
  });
});
