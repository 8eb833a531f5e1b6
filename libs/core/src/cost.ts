import type { Prices, TokenPrices } from './model-facts.js';

/** As a provider reports it: cached and written prompt tokens are among `prompt`, reasoning is among `completion`. */
export interface UsedTokens {
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

/**
 * What a call cost, in whole billionths of a dollar: a short call to a cheap model costs three millionths, and rounding
 * those away would leave a third of its spend uncounted.
 */
export function costUsdNanos(prices: Prices, used: UsedTokens): number {
  const of = pricesFor(prices, used.prompt);
  const cached = Math.min(used.cached, used.prompt);
  const written = Math.min(used.cacheWrite, used.prompt - cached);
  const reasoning = Math.min(used.reasoning, used.completion);
  const micros =
    (used.prompt - cached - written) * of.input +
    cached * (of.cacheRead ?? of.input) +
    written * (of.cacheWrite ?? of.input) +
    (used.completion - reasoning) * of.output +
    reasoning * (prices.reasoning ?? of.output);
  return Math.round(micros * 1_000);
}

/** Before a call, in millionths of a dollar: nothing is known of caches and reasoning yet. */
export function expectedCostMicros(prices: Prices, inputTokens: number, outputTokens: number): number {
  const of = pricesFor(prices, inputTokens);
  return inputTokens * of.input + outputTokens * of.output;
}

const pricesFor = (prices: Prices, promptTokens: number): TokenPrices =>
  prices.above !== undefined && promptTokens > prices.above.tokens ? prices.above : prices;
