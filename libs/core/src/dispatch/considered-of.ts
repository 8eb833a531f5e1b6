import type { LeaseRefusal } from '../leases/lease.js';
import type { Considered } from './considered.js';
import type { Candidate } from './order-candidates.js';

/** As many as are kept with an attempt: the record of a job is not to grow with its configuration. */
const MOST_KEPT = 8;

/** Why it was this one, of all that could have been asked then. */
export function consideredOf(
  candidates: readonly Candidate[],
  chosen: string,
  refusals: readonly LeaseRefusal[],
): Considered[] {
  const own = candidates.find(({ deployment }) => deployment.id === chosen);
  const refused = refusals.slice(0, MOST_KEPT).map(({ deploymentId, verdict, untilMs }): Considered => ({
    deployment: deploymentId,
    verdict: 'skipped',
    reason: verdict,
    ...(untilMs > 0 ? { untilMs } : {}),
  }));
  const others = candidates
    .filter(({ deployment: { id } }) => id !== chosen)
    .slice(0, MOST_KEPT - 1)
    .map(({ deployment, tier, measure }): Considered => ({
      deployment: deployment.id,
      verdict: 'skipped',
      reason: tier > (own?.tier ?? tier) ? 'lower_order' : 'not_picked',
      measure,
    }));
  return own === undefined
    ? [...refused, ...others]
    : [{ deployment: chosen, verdict: 'chosen', measure: own.measure }, ...refused, ...others];
}
