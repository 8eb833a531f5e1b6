import { describe, expect, it } from '@jest/globals';
import { attemptTimeouts, isCallersTimeout } from './attempt-timeouts.js';
import { policy } from './test-routing.js';

const NOTHING = { timeoutMs: undefined, streamTimeoutMs: undefined };
const LONG = 3_600_000;

describe('attemptTimeouts', () => {
  it('takes the router’s where nobody says more', () => {
    expect(attemptTimeouts(NOTHING, NOTHING, policy(), () => true, LONG)).toEqual({
      connectMs: 5_000,
      firstTokenMs: 60_000,
      idleMs: 30_000,
      totalMs: 600_000,
    });
  });

  // L63, L64, L66
  it.each<[string, number | undefined, number | undefined, number | undefined, number]>([
    ['the caller', 1_000, 2_000, 3_000, 1_000],
    ['the deployment', undefined, 2_000, 3_000, 2_000],
    ['the router', undefined, undefined, 3_000, 3_000],
  ])('%s is asked before those below', (_who, asked, own, router, expected) => {
    const of = (ms: number | undefined) => ({ timeoutMs: ms, streamTimeoutMs: ms });
    const router3 = policy({ timeoutMs: router!, streamTimeoutMs: router });
    const { totalMs, firstTokenMs } = attemptTimeouts(of(asked), of(own), router3, () => false, LONG);
    expect([totalMs, firstTokenMs]).toEqual([expected, expected]);
  });

  it('cuts a slow first token off only while another could serve, unless a limit is set', () => {
    expect(attemptTimeouts(NOTHING, NOTHING, policy(), () => false, LONG).firstTokenMs).toBeUndefined();
    const set = policy({ streamTimeoutMs: 7_000 });
    expect(attemptTimeouts(NOTHING, NOTHING, set, () => false, LONG).firstTokenMs).toBe(7_000);
  });

  it('never passes what is left of the job', () => {
    expect(attemptTimeouts(NOTHING, NOTHING, policy(), () => true, 40).totalMs).toBe(40);
    expect(attemptTimeouts(NOTHING, NOTHING, policy(), () => true, -5).totalMs).toBe(1);
  });
});

describe('isCallersTimeout', () => {
  const total = { kind: 'timeout', phase: 'total' } as const;
  const first = { kind: 'timeout', phase: 'first_token' } as const;

  it.each([
    ['5 ms against ten minutes', total, { ...NOTHING, timeoutMs: 5 }, true],
    ['as long as the router’s own', total, { ...NOTHING, timeoutMs: 600_000 }, false],
    ['none of the caller’s', total, NOTHING, false],
    ['a second to the first token', first, { ...NOTHING, streamTimeoutMs: 1_000 }, true],
    ['two minutes to the first token', first, { ...NOTHING, streamTimeoutMs: 120_000 }, false],
    ['an idle stream', { kind: 'timeout', phase: 'idle' } as const, { timeoutMs: 5, streamTimeoutMs: 5 }, false],
    ['another failure', { kind: 'server' } as const, { timeoutMs: 5, streamTimeoutMs: 5 }, false],
  ])('%s', (_what, failure, asked, expected) => {
    expect(isCallersTimeout(failure, asked, NOTHING, policy())).toBe(expected);
  });
});
