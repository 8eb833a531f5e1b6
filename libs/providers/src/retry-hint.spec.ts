import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resetMsOf, retryAfterMsOf } from './retry-hint.js';

// oxlint-disable-next-line node/no-process-env -- a full run asks for a million cases; specs are not the product
const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const LIMIT_MS = 20_000 + RUNS.numRuns * 2;

const NOW = Date.parse('2026-11-21T12:00:00Z');
const DAY = 86_400_000;

describe('W13 retry hints', () => {
  it.each([
    [{ 'retry-after': '5' }, '', 5_000],
    [{ 'retry-after': '0.5' }, '', 500],
    [{ 'retry-after': ' 7 ' }, '', 7_000],
    [{ 'retry-after-ms': '120', 'retry-after': '5' }, '', 120],
    [{ 'retry-after-ms': 'soon', 'retry-after': '5' }, '', 5_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:09 GMT' }, '', 9_000],
    [{ 'retry-after': 'Saturday, 21-Nov-26 12:00:09 GMT' }, '', 9_000],
    [{ 'retry-after': 'Sat Nov 21 12:00:09 2026' }, '', 9_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, '', 0],
    [{ 'retry-after': '1000000000' }, '', DAY],
    [{ 'retry-after': '1e9' }, '', DAY],
    [{ 'retry-after': '-3' }, '', 0],
    [{ 'retry-after': 'abc 5' }, '', undefined],
    [{ 'retry-after': '0x10' }, '', undefined],
    [{ 'retry-after': '' }, '', undefined],
    [{ 'retry-after': 'Infinity' }, '', undefined],
    [{}, '', undefined],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, '', 360_000],
    [{ 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '6m0s' }, '', undefined],
    [
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '2m59.56s',
      },
      '',
      179_560,
    ],
    [
      { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2026-11-21T12:00:30Z' },
      '',
      30_000,
    ],
    [{}, 'Rate limit reached.. Please try again in 20s.', 20_000],
    [{}, 'Please try again in 320ms.', 320],
    [{}, 'Please retry after 6 seconds.', 6_000],
    [{}, 'Try again in 2 minutes', 120_000],
    [{}, 'try again in 15 milliseconds', 15],
    [{ 'retry-after': '1' }, 'try again in 20s', 1_000],
  ])('%j %j', (headers, message, expected) => {
    expect(retryAfterMsOf(headers as Record<string, string>, message, NOW)).toBe(expected);
  });

  it(
    'never throws and stays within 0..24 h, whatever the header says',
    () => {
      const value = fc.oneof(
        fc.string(),
        fc.string({ unit: fc.constantFrom(...'0123456789.-+eE smhdGMT:,ZJan'.split('')) }),
        fc.double().map(String),
        fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.constantFrom('1e9', '-1', '1e400', 'NaN', '9'.repeat(400)),
      );
      const name = fc.constantFrom(
        'retry-after',
        'retry-after-ms',
        'x-ratelimit-reset-tokens',
        'anthropic-ratelimit-requests-reset',
      );
      fc.assert(
        fc.property(fc.dictionary(name, value), value, fc.string(), (headers, spoken, rest) => {
          const all = {
            ...headers,
            'x-ratelimit-remaining-tokens': '0',
            'anthropic-ratelimit-requests-remaining': '0',
          };
          const wait = retryAfterMsOf(all, `Please try again in ${spoken}${rest}`, NOW);
          expect(wait === undefined || (Number.isInteger(wait) && wait >= 0 && wait <= DAY)).toBe(true);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});

describe('resetMsOf', () => {
  it.each([
    ['6m0s', 360_000],
    ['2m59.56s', 179_560],
    ['120ms', 120],
    ['1h2m', 3_720_000],
    ['2026-11-21T12:00:05Z', 5_000],
    [String(NOW + 4_000), 4_000],
    [String(NOW / 1_000 + 4), 4_000],
    ['30', 30_000],
    ['later', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j', (text, expected) => {
    expect(resetMsOf(text, NOW)).toBe(expected);
  });
});
