import type { AliasEntry, Deployment, ModelGroup } from '../deployment.js';

export interface Candidate {
  deployment: Deployment;
  /** Lower first: one that can serve in a lower tier beats all others. The strategy picks inside a tier. */
  tier: number;
}

/**
 * The order in which deployments are offered to the lease script, which takes the first that has room. `order` tiers
 * first; inside a tier a weighted shuffle: drawing without replacement and taking the first that can serve gives the same
 * shares as drawing among those that can serve. (least-busy: the script re-sorts a tier by calls in flight; the shuffle
 * then breaks ties.)
 * @param random a fresh number 0 ≤ x < 1 at each call
 */
export function orderCandidates(
  group: ModelGroup,
  deployments: readonly Deployment[],
  random: () => number,
): Candidate[] {
  const shuffled = weightedShuffle(deployments, weightsOf(deployments), random);
  if (group.entries !== undefined) return byDrawnEntry(shuffled, group.entries, random);
  return inTiers(shuffled, 0);
}

/** `weight`, else `rpm`, else `tpm`; one that has none gets the mean of the others. Source: LITELLM.md 4, simple-shuffle. */
export function weightsOf(deployments: readonly Deployment[]): number[] {
  for (const read of [weightOf, rpmOf, tpmOf]) {
    const given = deployments.map(read);
    const known = given.filter((w) => w !== undefined);
    if (known.length === 0) continue;
    const mean = known.reduce((sum, w) => sum + w, 0) / known.length;
    return given.map((w) => w ?? mean);
  }
  return deployments.map(() => 1);
}

const weightOf = (d: Deployment): number | undefined => d.weight;
const rpmOf = (d: Deployment): number | undefined => d.rpm;
const tpmOf = (d: Deployment): number | undefined => d.tpm;

/** Stable: the draw decides inside a tier. */
const inTiers = (shuffled: readonly Deployment[], from: number): Candidate[] =>
  shuffled.map((deployment) => ({ deployment, tier: from + deployment.order })).sort((a, b) => a.tier - b.tier);

/** Weight 0 comes last, still there: a deployment that nothing else can replace is better than none. */
function weightedShuffle<Item>(items: readonly Item[], weights: readonly number[], random: () => number): Item[] {
  if (items.length < 2) return [...items];
  // Efraimidis and Spirakis: sorting by u^(1/w) is drawing by weight without replacement.
  return items
    .map((item, i) => ({ item, key: weights[i]! > 0 ? Math.log(1 - random()) / weights[i]! : -Infinity }))
    .sort((a, b) => (a.key === b.key ? 0 : b.key - a.key))
    .map(({ item }) => item);
}

/** Entries are drawn by weight, before any `order`; what stands in no entry comes after all of them. */
function byDrawnEntry(
  shuffled: readonly Deployment[],
  entries: readonly AliasEntry[],
  random: () => number,
): Candidate[] {
  const drawn = weightedShuffle(
    entries,
    entries.map((entry) => entry.weight),
    random,
  );
  const ordered: Candidate[] = [];
  const left = new Set(shuffled);
  const take = (members: Deployment[]): void => {
    const above = (ordered.at(-1)?.tier ?? 0) + 1;
    ordered.push(...inTiers(members, above - Math.min(...members.map((d) => d.order))));
    for (const deployment of members) left.delete(deployment);
  };
  for (const { deploymentIds } of drawn) take([...left].filter((d) => deploymentIds.includes(d.id)));
  take([...left]);
  return ordered;
}
