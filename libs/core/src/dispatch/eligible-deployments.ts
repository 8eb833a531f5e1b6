import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import { backoffMs, fixedDice } from './backoff.js';
import { variantOf } from './fallback-variant.js';
import { triedInRound, type Progress, type Tried } from './progress.js';
import { consequenceUnder } from './retry-policy.js';

/** Deployments that this job may ask, in four ranks; what stands in none of them it may not. */
export interface Eligible {
  /** Have not failed this job. */
  fresh: Deployment[];
  /** Told this job to wait (429): fresh again from `readyMs` on. */
  resting: Resting[];
  /** Failed: asked when no fresh one can serve, from `readyMs` on. */
  again: Resting[];
  /** Timed out: only when nobody else is left. */
  lastly: Resting[];
  /** Failed as half-open probes a moment ago: they are open. */
  probed: Resting[];
}

export interface Resting {
  deployment: Deployment;
  readyMs: number;
}

/** A 429 that asks for less is still given this much distance, doubled from half a second on. */
const LONGEST_REST_MS = 1_000;
/** Where cooldowns are off a job keeps to the hints it was given, up to this long. */
const LONGEST_OWN_WAIT_MS = 60_000;
/** LITELLM.md 4, `cooldown_time`. */
const COOLDOWN_MS = 5_000;

/**
 * Which deployments of a group this job may ask, by what it has tried already. Whether one has room, cools or is open is
 * cluster state: the lease script says so.
 * @param only ids that may serve (a deployment asked for by id); absent: all
 */
export function eligibleDeployments(
  group: ModelGroup,
  only: readonly string[] | undefined,
  progress: Progress,
  policy: Pick<RoutingPolicy, 'disableCooldowns' | 'cooldownMs' | 'retryAfterMs' | 'retryPolicies'>,
  nowMs: number,
): Eligible {
  const { round } = progress;
  const tried = variantOf(progress.here) === undefined ? progress.tried : triedInRound(progress); // of the other call
  const eligible: Eligible = { fresh: [], resting: [], again: [], lastly: [], probed: [] };
  const tooSmall = new Set(tried.flatMap(({ kind, model }) => (kind === 'context_length' ? [model] : [])));
  for (const deployment of group.deployments) {
    if (!mayServe(deployment, only) || tooSmall.has(modelOf(deployment))) continue;
    const own = tried.length === 0 ? [] : tried.filter((t) => t.deployment === deployment.id);
    const failures = own.filter((t) => t.kind !== 'rate_limit');
    const last = failures.at(-1);
    if (last === undefined) {
      const readyMs = restedAtMs(own, deployment, policy);
      if (readyMs <= nowMs) eligible.fresh.push(deployment);
      else eligible.resting.push({ deployment, readyMs });
      continue;
    }
    if (round === 'untried' || failures.some((t) => consequenceUnder(policy, t).same === 'no')) continue;
    if (round === 'again' && triedInRound(progress).includes(last)) continue; // one attempt each
    const wait = backoffMs(failures.length, policy.retryAfterMs, fixedDice(deployment.id, last.atMs));
    const resting = { deployment, readyMs: Math.max(last.atMs + wait, restedAtMs(own, deployment, policy)) };
    if (!last.used && resting.readyMs > nowMs) eligible.probed.push(resting);
    else if (failures.some((t) => consequenceUnder(policy, t).same === 'if_alone')) eligible.lastly.push(resting);
    else eligible.again.push(resting);
  }
  return eligible;
}

/** As far as the configuration goes. */
export const mayServe = ({ disabled, id }: Deployment, only: readonly string[] | undefined): boolean =>
  disabled === undefined && (only === undefined || only.includes(id));

export const modelOf = (deployment: Deployment): string => deployment.baseModel ?? deployment.model;

/**
 * When one that answered this job last with a 429, or with a retry hint, may be asked by it again. Mostly that is not this
 * job's own business: the deployment cools, and the lease script says until when.
 */
function restedAtMs(
  own: readonly Tried[],
  deployment: Deployment,
  policy: Pick<RoutingPolicy, 'disableCooldowns' | 'cooldownMs'>,
): number {
  const last = own.at(-1);
  if (last === undefined) return 0;
  const cooldownMs = deployment.cooldownMs ?? policy.cooldownMs ?? COOLDOWN_MS;
  const neverCools = policy.disableCooldowns || cooldownMs === 0;
  const hintMs = neverCools ? Math.min(last.retryAfterMs ?? 0, LONGEST_OWN_WAIT_MS) : 0;
  if (last.kind !== 'rate_limit') return last.atMs + hintMs;
  const restMs = Math.min(LONGEST_REST_MS, backoffMs(last.times ?? 1, 0, fixedDice(deployment.id, last.atMs)));
  if (!neverCools && (last.retryAfterMs ?? cooldownMs) >= restMs) return last.atMs;
  return last.atMs + Math.max(restMs, hintMs);
}
