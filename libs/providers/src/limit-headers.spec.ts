import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ANTHROPIC_LIMITS, limitNewsOf, OPENAI_LIMITS } from './limit-headers.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const openai = (headers: Record<string, string>) => limitNewsOf(OPENAI_LIMITS, headers, NOW);
const anthropic = (headers: Record<string, string>) => limitNewsOf(ANTHROPIC_LIMITS, headers, NOW);

describe('limits in the head of a reply', () => {
  it('of OpenAI: counts, and resets as Go writes them', () => {
    const headers = {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    };
    expect(openai(headers)).toEqual({
      requests: { left: 59, limit: 60, resetAtMs: NOW + 1_000 },
      tokens: { left: 149_984, limit: 150_000, resetAtMs: NOW + 360_000 },
    });
  });

  it('of Azure: no resets, so a moment', () => {
    expect(openai({ 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-remaining-tokens': '990' })).toEqual({
      requests: { left: 1, resetAtMs: NOW + 5_000 },
      tokens: { left: 990, resetAtMs: NOW + 5_000 },
    });
  });

  it('of Anthropic: RFC 3339, and the narrowest kind of tokens', () => {
    const headers = {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-21T12:00:07Z',
      'anthropic-ratelimit-input-tokens-remaining': '40000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-21T12:00:20Z',
    };
    expect(anthropic(headers)).toEqual({
      requests: { left: 0, limit: 50, resetAtMs: NOW + 7_000 },
      tokens: { left: 40_000, resetAtMs: NOW + 20_000 },
    });
  });

  it('of those who copy OpenAI under other names', () => {
    expect(openai({ 'x-ratelimit-remaining-tokens-minute': '5' })?.tokens?.left).toBe(5);
    expect(openai({ 'x-ratelimit-remaining-req-minute': '6' })?.requests?.left).toBe(6);
    expect(openai({ 'x-ratelimit-remaining': '7', 'x-tokenlimit-remaining': '8' })).toMatchObject({
      requests: { left: 7 },
      tokens: { left: 8 },
    });
  });

  it('that say nothing, or nothing that can be read, are passed over', () => {
    expect(openai({})).toBeUndefined();
    expect(openai({ 'x-ratelimit-remaining-requests': 'many' })).toBeUndefined();
    const isBounded = (remaining: string, reset: string): boolean => {
      const news = openai({ 'x-ratelimit-remaining-requests': remaining, 'x-ratelimit-reset-requests': reset });
      if (news === undefined) return true;
      const { left, resetAtMs } = news.requests!;
      return [left, resetAtMs].every((n) => /^\d{1,15}$/.test(String(n))) && resetAtMs <= NOW + 86_400_000;
    };
    expect(isBounded('1e300', '1e300')).toBe(true);
    const numbers = fc.oneof(fc.string(), fc.double().map(String), fc.constantFrom('-1', '0.5', '1e300', '9e99s'));
    expect(() => fc.assert(fc.property(numbers, numbers, isBounded))).not.toThrow();
  });
});
