import type { AliasEntry, Deployment, ModelGroup, Strategy } from '../deployment.js';
import type { LeaseAsk } from '../leases/lease.js';
import type { Choice, Ranked } from './choice.js';
import { leastBusy, usageBased } from './strategies/by-load.js';
import { costBased } from './strategies/cost-based.js';
import { latencyBased } from './strategies/latency-based.js';
import { simpleShuffle, weightedShuffle, type Draw } from './strategies/simple-shuffle.js';
import { stickyDraw } from './strategies/sticky-draw.js';

export interface Candidate extends Ranked {
  /** Lower first: one that can serve in a lower tier beats all others. The strategy picks inside a tier. */
  tier: number;
}

/**
 * The order in which deployments are offered to the lease script, which takes the first that has room: a weighted alias's
 * entries as drawn, inside them `order` tiers, inside a tier as the group's strategy says. Every deployment stands in it
 * once, so what the strategy likes least still serves when nobody else can.
 * @param random a fresh number 0 ≤ x < 1 at each call
 */
export function orderCandidates(
  group: ModelGroup,
  deployments: readonly Deployment[],
  choice: Choice,
  random: () => number,
): Candidate[] {
  const draw: Draw = choice.stickTo === undefined ? random : stickyDraw(choice.stickTo);
  const strategy = strategyOf(group, choice);
  const rank = (members: readonly Deployment[]): Ranked[] => rankBy(strategy, members, choice, draw, random);
  if (group.entries !== undefined) return byDrawnEntry(deployments, group.entries, rank, draw);
  return inTiers(deployments, rank, 0);
}

/** Groups of a `routing_groups` entry have their own. */
export const strategyOf = (group: ModelGroup, { strategy }: Pick<Choice, 'strategy'>): Strategy =>
  group.strategy ?? strategy;

/** Whether the lease script sorts a tier by what it finds at that moment, or takes the order as it comes. */
export function leaseStrategyOf(group: ModelGroup, choice: Choice): LeaseAsk['strategy'] {
  const { name } = strategyOf(group, choice);
  if (name === 'simple-shuffle' || choice.stickTo !== undefined) return 'in-order';
  if (name === 'least-busy') return 'least-busy';
  return name === 'usage-based-routing' || name === 'usage-based-routing-v2' ? 'least-used' : 'in-order';
}

function rankBy(
  strategy: Strategy,
  deployments: readonly Deployment[],
  choice: Choice,
  draw: Draw,
  random: () => number,
): Ranked[] {
  const { stickTo } = choice;
  switch (strategy.name) {
    case 'simple-shuffle':
      return simpleShuffle(deployments, draw);
    case 'cost-based-routing':
      return costBased(deployments, choice, draw);
    case 'latency-based-routing':
      return latencyBased(deployments, strategy, choice, draw, random);
    // A session's place is worth more than an even load.
    case 'least-busy':
      return stickTo === undefined ? leastBusy(deployments, choice, draw) : simpleShuffle(deployments, draw);
    case 'usage-based-routing':
    case 'usage-based-routing-v2':
      return stickTo === undefined ? usageBased(deployments, choice, draw) : simpleShuffle(deployments, draw);
  }
}

type Rank = (members: readonly Deployment[]) => Ranked[];

function inTiers(deployments: readonly Deployment[], rank: Rank, from: number): Candidate[] {
  const first = deployments[0];
  if (first === undefined) return [];
  const place = (ranked: Ranked): Candidate => ({ ...ranked, tier: from + ranked.deployment.order });
  if (deployments.every(({ order }) => order === first.order)) return rank(deployments).map(place);
  const orders = [...new Set(deployments.map(({ order }) => order))].sort((a, b) => a - b);
  return orders.flatMap((order) => rank(deployments.filter((d) => d.order === order)).map(place));
}

/** Entries are drawn by weight, before any `order`; what stands in no entry comes after all of them. */
function byDrawnEntry(
  deployments: readonly Deployment[],
  entries: readonly AliasEntry[],
  rank: Rank,
  draw: Draw,
): Candidate[] {
  const drawn = weightedShuffle(
    entries,
    entries.map((entry) => entry.weight),
    ({ deploymentIds }) => draw({ id: deploymentIds.join() }),
  );
  const ordered: Candidate[] = [];
  const left = new Set(deployments);
  const take = (members: readonly Deployment[]): void => {
    const above = (ordered.at(-1)?.tier ?? 0) + 1;
    ordered.push(...inTiers(members, rank, above - Math.min(...members.map((d) => d.order))));
    for (const deployment of members) left.delete(deployment);
  };
  for (const { deploymentIds } of drawn) take([...left].filter((d) => deploymentIds.includes(d.id)));
  take([...left]);
  return ordered;
}
