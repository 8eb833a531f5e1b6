import type { Deployment, ModelTable, Strategy } from '../deployment.js';
import { strategyOf } from './order-candidates.js';

/** Deployments of which a worker must know something beforehand, because a strategy chooses by it. */
export interface SeenNeeds {
  readonly latency: readonly Deployment[];
  readonly load: readonly Deployment[];
}

/** Load is needed only where candidates stand in several home groups: inside one the lease script looks itself. */
export function seenNeeds(models: Pick<ModelTable, 'groups'>, strategy: Strategy): SeenNeeds {
  const latency = new Map<string, Deployment>();
  const load = new Map<string, Deployment>();
  for (const group of models.groups.values()) {
    const { name } = strategyOf(group, { strategy });
    const { deployments } = group;
    if (name === 'latency-based-routing') for (const d of deployments) latency.set(d.id, d);
    const isByLoad = name === 'least-busy' || name.startsWith('usage-based-routing');
    if (isByLoad && new Set(deployments.map((d) => d.group)).size > 1) for (const d of deployments) load.set(d.id, d);
  }
  return { latency: [...latency.values()], load: [...load.values()] };
}
