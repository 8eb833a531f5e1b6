import type { Deployment } from '../../deployment.js';
import { usedShares } from '../../leases/used-shares.js';
import type { Choice, Ranked } from '../choice.js';
import { simpleShuffle, type Draw } from './simple-shuffle.js';

/**
 * least-busy: fewest calls in flight in the cluster. usage-based-routing(-v2): least used share of the minute's limits. Ties
 * are shuffled. The lease script sorts those of one home group itself, by what is true at that moment, and this order only
 * breaks its ties (`leaseStrategyOf`); it decides between home groups, of which a script sees one, and in a dry run.
 */
export function leastBusy(deployments: readonly Deployment[], { seen }: Pick<Choice, 'seen'>, draw: Draw): Ranked[] {
  const shuffled = simpleShuffle(deployments, draw);
  const loads = shuffled.map(({ deployment }) => seen(deployment.id)?.load?.inFlight);
  return byValue(shuffled, 'in_flight', loads);
}

export function usageBased(deployments: readonly Deployment[], { seen }: Pick<Choice, 'seen'>, draw: Draw): Ranked[] {
  const shuffled = simpleShuffle(deployments, draw);
  const loads = shuffled.map(({ deployment }) => seen(deployment.id)?.load);
  const shares = usedShares(
    shuffled.map(({ deployment: { rpm = 0, tpm = 0 } }) => ({ rpm, tpm })),
    loads.map((load) => load ?? { requests: 0, tokens: 0 }),
  );
  return byValue(
    shuffled,
    'used_share',
    shares.map((share, i) => (loads[i] === undefined ? undefined : share)),
  );
}

function byValue(
  shuffled: readonly Ranked[],
  by: Ranked['measure']['by'],
  values: readonly (number | undefined)[],
): Ranked[] {
  return shuffled
    .map(({ deployment }, i): Ranked => {
      const value = values[i];
      return { deployment, measure: value === undefined ? { by } : { by, value } };
    })
    .sort((a, b) => (a.measure.value ?? 0) - (b.measure.value ?? 0));
}
