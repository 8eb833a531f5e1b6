import type { Deployment } from '../../deployment.js';
import type { Ranked } from '../choice.js';

/** A number 0 ≤ x < 1 for each deployment: a dice, or the same for all calls of a session (`stickyDraw`). */
export type Draw = (of: Pick<Deployment, 'id'>) => number;

/**
 * Weighted shuffle: drawing without replacement and taking the first that can serve gives the same shares as drawing among
 * those that can serve. Also breaks the ties of the other strategies.
 */
export function simpleShuffle(deployments: readonly Deployment[], draw: Draw): Ranked[] {
  const weights = weightsOf(deployments);
  const ranked = deployments.map((deployment, i): Ranked => ({
    deployment,
    measure: { by: 'weight', value: weights[i]! },
  }));
  return weightedShuffle(ranked, weights, ({ deployment }) => draw(deployment));
}

/** `weight`, else `rpm`, else `tpm`; one that has none gets the mean of the others. Source: LITELLM.md 4, simple-shuffle. */
export function weightsOf(deployments: readonly Deployment[]): number[] {
  for (const read of [weightOf, rpmOf, tpmOf]) {
    const given = deployments.map(read);
    if (given.some((weight) => weight !== undefined)) return withMeanForMissing(given);
  }
  return deployments.map(() => 1);
}

/** At least one is known. */
export function withMeanForMissing(given: readonly (number | undefined)[]): number[] {
  const known = given.filter((value) => value !== undefined);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return given.map((value) => value ?? mean);
}

const weightOf = (d: Deployment): number | undefined => d.weight;
const rpmOf = (d: Deployment): number | undefined => d.rpm;
const tpmOf = (d: Deployment): number | undefined => d.tpm;

/** Weight 0 comes last, still there: a deployment that nothing else can replace is better than none. */
export function weightedShuffle<Item>(
  items: readonly Item[],
  weights: readonly number[],
  draw: (item: Item) => number,
): Item[] {
  if (items.length < 2) return [...items];
  // Efraimidis and Spirakis: sorting by u^(1/w) is drawing by weight without replacement.
  return items
    .map((item, i) => ({ item, key: weights[i]! > 0 ? Math.log(1 - draw(item)) / weights[i]! : -Infinity }))
    .sort((a, b) => (a.key === b.key ? 0 : b.key - a.key))
    .map(({ item }) => item);
}
