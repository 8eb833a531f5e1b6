import type { RescuePolicy, RoutingPolicy } from '../deployment.js';

/** A group's own, else that of the configuration. */
export const rescueOf = (policy: RoutingPolicy, group: string): RescuePolicy => policy.ofGroup.get(group) ?? policy;
