import { expectedCostMicros } from '../../cost.js';
import type { Deployment } from '../../deployment.js';
import type { Choice, Ranked } from '../choice.js';
import { simpleShuffle, type Draw } from './simple-shuffle.js';

/** The cheapest for this call first, equal prices shuffled; who has no known price comes last. Source: LITELLM.md 4. */
export function costBased(
  deployments: readonly Deployment[],
  { inputTokens, outputTokens }: Pick<Choice, 'inputTokens' | 'outputTokens'>,
  draw: Draw,
): Ranked[] {
  return simpleShuffle(deployments, draw)
    .map(({ deployment }): Ranked => {
      const { prices } = deployment;
      if (prices === undefined) return { deployment, measure: { by: 'cost_usd' } };
      const value = expectedCostMicros(prices, inputTokens, outputTokens) / 1e6;
      return { deployment, measure: { by: 'cost_usd', value } };
    })
    .sort((a, b) => compare(a.measure.value ?? Infinity, b.measure.value ?? Infinity));
}

const compare = (a: number, b: number): number => (a === b ? 0 : a - b);
