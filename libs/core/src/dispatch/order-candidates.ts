import type { AliasEntry, Deployment, ModelGroup } from '../deployment.js';

/**
 * The order in which deployments are offered to the lease script, which takes the first that has room. `order` tiers
 * first; inside a tier a weighted shuffle: drawing without replacement and taking the first that can serve gives the same
 * shares as drawing among those that can serve. (least-busy: the script re-sorts a tier by calls in flight; the shuffle
 * then breaks ties.)
 * @param random a fresh number 0 ≤ x < 1 at each call
 */
export function orderCandidates(
  group: ModelGroup,
  candidates: readonly Deployment[],
  random: () => number,
): Deployment[] {
  const shuffled = weightedShuffle(candidates, weightsOf(candidates), random);
  const tiers = group.entries === undefined ? shuffled : byDrawnEntry(shuffled, group.entries, random);
  return tiers.sort((a, b) => a.order - b.order); // stable: the draw decides inside a tier
}

/** `weight`, else `rpm`, else `tpm`; one that has none gets the mean of the others. Source: LITELLM.md 4, simple-shuffle. */
export function weightsOf(candidates: readonly Deployment[]): number[] {
  for (const read of [weightOf, rpmOf, tpmOf]) {
    const given = candidates.map(read);
    const known = given.filter((w) => w !== undefined);
    if (known.length === 0) continue;
    const mean = known.reduce((sum, w) => sum + w, 0) / known.length;
    return given.map((w) => w ?? mean);
  }
  return candidates.map(() => 1);
}

const weightOf = (d: Deployment): number | undefined => d.weight;
const rpmOf = (d: Deployment): number | undefined => d.rpm;
const tpmOf = (d: Deployment): number | undefined => d.tpm;

/** Weight 0 comes last, still there: a deployment that nothing else can replace is better than none. */
function weightedShuffle<Item>(items: readonly Item[], weights: readonly number[], random: () => number): Item[] {
  if (items.length < 2) return [...items];
  // Efraimidis and Spirakis: sorting by u^(1/w) is drawing by weight without replacement.
  return items
    .map((item, i) => ({ item, key: weights[i]! > 0 ? Math.log(1 - random()) / weights[i]! : -Infinity }))
    .sort((a, b) => (a.key === b.key ? 0 : b.key - a.key))
    .map(({ item }) => item);
}

/** Entries are drawn by weight; what stands in no entry comes after all of them. */
function byDrawnEntry(shuffled: Deployment[], entries: readonly AliasEntry[], random: () => number): Deployment[] {
  const drawn = weightedShuffle(
    entries,
    entries.map((entry) => entry.weight),
    random,
  );
  const ordered = new Set<Deployment>();
  for (const entry of drawn) for (const d of shuffled) if (entry.deploymentIds.includes(d.id)) ordered.add(d);
  for (const d of shuffled) ordered.add(d);
  return [...ordered];
}
