import { describe, expect, it } from '@jest/globals';
import { costUsdNanos, expectedCostMicros } from './cost.js';
import type { Prices } from './model-facts.js';

const used = { prompt: 0, completion: 0, cached: 0, cacheWrite: 0, reasoning: 0 };
const unset = { cacheRead: undefined, cacheWrite: undefined, reasoning: undefined, above: undefined };
const plain: Prices = { input: 2, output: 10, ...unset };
const whole: Prices = {
  ...plain,
  cacheRead: 0.5,
  cacheWrite: 2.5,
  reasoning: 20,
  above: { tokens: 200_000, input: 4, output: 15, cacheRead: 1, cacheWrite: 5 },
};

describe('the cost of a call', () => {
  it.each([
    ['prompt and answer', plain, { ...used, prompt: 1_000, completion: 100 }, 3_000],
    ['cached tokens at the price of others where none is told', plain, { ...used, prompt: 1_000, cached: 400 }, 2_000],
    ['cached and written tokens at their own', whole, { ...used, prompt: 1_000, cached: 400, cacheWrite: 100 }, 1_450],
    ['what was thought at its own', whole, { ...used, completion: 100, reasoning: 60 }, 1_600],
    ['a long prompt raises the price of all of it', whole, { ...used, prompt: 200_001, completion: 10 }, 800_154],
    ['never below zero, whatever a provider says', whole, { ...used, prompt: 10, cached: 99, cacheWrite: 99 }, 5],
  ])('%s', (_name, prices, tokens, micros) => {
    expect(costUsdNanos(prices, tokens)).toBe(micros * 1_000);
  });

  it('is not rounded away for a short call to a cheap model', () => {
    expect(costUsdNanos({ ...plain, input: 0.02 }, { ...used, prompt: 7 })).toBe(140);
  });

  it('is expected by the whole price list', () => {
    expect(expectedCostMicros(whole, 100, 10)).toBe(300);
    expect(expectedCostMicros(whole, 300_000, 0)).toBe(1_200_000);
  });
});
