import { describe, expect, it } from '@jest/globals';
import { limitWordOf, type LimitNews } from './limit-news.js';

const NOW = 1_800_000_000_000;
const LATER = NOW + 5_000;
const left = (count: number, limit?: number) => ({
  left: count,
  ...(limit !== undefined && { limit }),
  resetAtMs: LATER,
});
const NONE = { rpm: undefined, tpm: undefined };
const lease = { tokens: 100, inFlight: 3, isRationed: false };

describe('what a provider says is left', () => {
  it.each<[string, LimitNews, Partial<typeof lease>, unknown]>([
    ['plenty', { requests: left(5_000, 10_000) }, {}, 'enough'],
    ['a tenth', { requests: left(1_000, 10_000) }, {}, { requests: { left: 1_000, untilMs: LATER } }],
    ['little against what is under way', { requests: left(6, 10) }, {}, { requests: { left: 6, untilMs: LATER } }],
    ['enough for what is under way', { requests: left(7, 10) }, {}, 'enough'],
    ['nothing, of a limit it does not name', { requests: left(0) }, {}, { requests: { left: 0, untilMs: LATER } }],
    ['few tokens', { tokens: left(600, 1_000) }, {}, { tokens: { left: 600, untilMs: LATER } }],
    ['few of the one', { requests: left(9, 10), tokens: left(1) }, {}, { tokens: { left: 1, untilMs: LATER } }],
    ['what is over', { requests: { left: 0, resetAtMs: NOW } }, {}, 'enough'],
    ['plenty again', { requests: left(9, 10) }, { isRationed: true }, 'plenty'],
  ])('%s', (_what, news, own, told) => {
    expect(limitWordOf(news, { ...lease, ...own }, NONE, NOW)).toEqual(told);
  });

  it('is held against the configured limit where it does not say of how many', () => {
    expect(limitWordOf({ requests: left(50) }, lease, { rpm: 500, tpm: undefined }, NOW)).toEqual({
      requests: { left: 50, untilMs: LATER },
    });
    expect(limitWordOf({ requests: left(51) }, lease, { rpm: 500, tpm: undefined }, NOW)).toBe('enough');
  });
});
