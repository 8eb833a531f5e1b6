import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import { consequenceOf } from '../failure.js';
import { triedInRound, type Progress, type Tried } from './progress.js';

export interface Eligible {
  /** Not tried by this job in this round, or only told to wait (429). */
  fresh: Deployment[];
  /** Failed this job, and may be asked again when no fresh one can serve; with the time before which it must not be. */
  again: { deployment: Deployment; lastTried: Tried; failures: number }[];
}

/**
 * Which deployments of a group this job may ask, by what it has tried already. Whether one has room, cools or is open is
 * cluster state: the lease script says so.
 * @param only ids that may serve (a deployment asked for by id); absent: all
 */
export function eligibleDeployments(
  group: ModelGroup,
  only: readonly string[] | undefined,
  progress: Progress,
  policy: Pick<RoutingPolicy, 'disableCooldowns' | 'cooldownMs'>,
): Eligible {
  const tried = progress.round === 'untried' ? progress.tried : triedInRound(progress);
  const tooSmall = new Set(
    progress.tried
      .filter((t) => t.kind === 'context_length')
      .map((t) => modelOf(group.deployments.find((d) => d.id === t.deployment))),
  );
  const eligible: Eligible = { fresh: [], again: [] };
  for (const deployment of group.deployments) {
    if (deployment.disabled !== undefined) continue;
    if (only !== undefined && !only.includes(deployment.id)) continue;
    if (tooSmall.size > 0 && tooSmall.has(modelOf(deployment))) continue;
    const failures = tried.filter((t) => t.deployment === deployment.id && !isOnlyToldToWait(t, deployment, policy));
    const lastTried = failures.at(-1);
    if (lastTried === undefined) eligible.fresh.push(deployment);
    else if (progress.round !== 'regular')
      continue; // one attempt each
    else if (failures.every((t) => consequenceOf(t).same !== 'no')) {
      eligible.again.push({ deployment, lastTried, failures: failures.length });
    }
  }
  return eligible;
}

/** A 429 leaves the deployment cooling for everybody: when the lease script lets it through, it may be asked like any other. */
function isOnlyToldToWait(
  { kind }: Tried,
  { cooldownMs }: Deployment,
  policy: Pick<RoutingPolicy, 'disableCooldowns' | 'cooldownMs'>,
): boolean {
  return kind === 'rate_limit' && !policy.disableCooldowns && (cooldownMs ?? policy.cooldownMs) !== 0;
}

const modelOf = (deployment: Deployment | undefined): string | undefined => deployment?.baseModel ?? deployment?.model;
