import type { LimitLeft, LimitNews } from '@sluice/core';
import { numberOf, resetMsOf, type HeaderMap } from './retry-hint.js';

/** Header names of one count: what is left, of how many, and when it is full again. */
type Names = readonly [remaining: string, limit: string, reset: string];

export interface LimitHeaders {
  /** The first that is there counts. */
  readonly requests: readonly Names[];
  readonly tokens: readonly Names[];
}

const named = (unit: string): Names => [
  `x-ratelimit-remaining-${unit}`,
  `x-ratelimit-limit-${unit}`,
  `x-ratelimit-reset-${unit}`,
];
const anthropic = (unit: string): Names => [
  `anthropic-ratelimit-${unit}-remaining`,
  `anthropic-ratelimit-${unit}-limit`,
  `anthropic-ratelimit-${unit}-reset`,
];

/** OpenAI, Azure and who copies them; Mistral, Cerebras, Together. Source: WIRE.md 5. */
export const OPENAI_LIMITS: LimitHeaders = {
  requests: [
    named('requests'),
    named('req-minute'),
    named('requests-day'),
    ['x-ratelimit-remaining', 'x-ratelimit-limit', 'x-ratelimit-reset'],
  ],
  tokens: [
    named('tokens'),
    named('tokens-minute'),
    ['x-tokenlimit-remaining', 'x-tokenlimit-limit', 'x-ratelimit-reset'],
  ],
};
/** `tokens` is the narrowest of its kinds. Source: WIRE.md 7. */
export const ANTHROPIC_LIMITS: LimitHeaders = {
  requests: [anthropic('requests')],
  tokens: [anthropic('tokens'), anthropic('input-tokens'), anthropic('output-tokens')],
};

/** Azure says what is left and not until when: a moment, after which somebody may see. */
const UNSAID_RESET_MS = 5_000;

/** A header may say anything; these are passed on as whole numbers. */
const MOST_LEFT = 1e12;
const DAY_MS = 86_400_000;
const bounded = (value: number, most: number): number => Math.floor(Math.min(Math.max(value, 0), most));

/** What a reply's head says of the provider's limits; undefined when nothing. What cannot be read is passed over. */
export function limitNewsOf(names: LimitHeaders, headers: HeaderMap, nowMs: number): LimitNews | undefined {
  const requests = leftOf(names.requests, headers, nowMs);
  const tokens = leftOf(names.tokens, headers, nowMs);
  if (requests === undefined && tokens === undefined) return undefined;
  return { ...(requests && { requests }), ...(tokens && { tokens }) };
}

function leftOf(dialects: readonly Names[], headers: HeaderMap, nowMs: number): LimitLeft | undefined {
  for (const [remaining, limit, reset] of dialects) {
    const text = headers[remaining];
    if (text === undefined) continue;
    const left = numberOf(text);
    if (left === undefined) return undefined;
    const of = numberOf(headers[limit]);
    const resetMs = resetMsOf(headers[reset], nowMs) ?? UNSAID_RESET_MS;
    return {
      left: bounded(left, MOST_LEFT),
      ...(of !== undefined && { limit: of }),
      resetAtMs: nowMs + bounded(resetMs, DAY_MS),
    };
  }
  return undefined;
}
