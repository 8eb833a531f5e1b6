import type { AllowedFailsPolicy, Deployment, RoutingPolicy } from '../deployment.js';
import { consequenceOf, type FailureKind } from '../failure.js';
import type { BreakerRules } from './lease.js';

/**
 * How an outcome of this deployment is judged: its own `allowed_fails` before the router's, in each the policy's class
 * before the plain number, as LiteLLM does.
 * @param kind of the failure; absent: it was none
 */
export function breakerRulesOf(
  deployment: Pick<Deployment, 'cooldownMs' | 'allowedFails' | 'allowedFailsPolicy'>,
  policy: Pick<RoutingPolicy, 'cooldownMs' | 'allowedFails' | 'allowedFailsPolicy' | 'disableCooldowns'>,
  kind?: FailureKind,
): BreakerRules {
  const about = {
    cooldownMs: deployment.cooldownMs ?? policy.cooldownMs,
    disableCooldowns: policy.disableCooldowns,
  };
  const countsAs = kind === undefined ? undefined : classOf(kind);
  for (const { allowedFails, allowedFailsPolicy } of [deployment, policy]) {
    const ofClass = countsAs && allowedFailsPolicy?.[countsAs];
    if (ofClass !== undefined) return { allowedFails: ofClass, countsAs: countsAs!, ...about };
    if (allowedFails !== undefined) return { allowedFails, ...about };
  }
  return { allowedFails: undefined, ...about };
}

/** LiteLLM's classes, as far as they count: `TimeoutError` and `InternalServerError`. */
function classOf(kind: FailureKind): keyof AllowedFailsPolicy | undefined {
  if (kind === 'timeout') return 'timeout';
  return consequenceOf({ kind }).countsAgainstBreaker ? 'server' : undefined;
}
