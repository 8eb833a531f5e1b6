import type { Deployment, RoutingPolicy } from './deployment.js';
import type { Choice } from './dispatch/choice.js';
import type { Considered } from './dispatch/considered.js';
import { explainChoice } from './dispatch/explain-choice.js';
import type { TargetGroup } from './dispatch/step.js';
import { misfitsOf, type CallTraits } from './fit/fit-deployments.js';
import type { DeploymentStatus, LeaseRefusal } from './leases/lease.js';

export interface ExplainedCall {
  /** `dispatch`: somebody could serve now. `wait`: somebody will. `reject`: nobody here may serve such a call. */
  would: 'dispatch' | 'wait' | 'reject';
  /** Until the first of those that are full, cooling or open may be back; absent: nobody waits, or nobody knows how long. */
  waitMs?: number;
  candidates: Considered[];
}

/** What the cluster knows of its deployments now. */
export interface Known {
  /** Absent: idle and well. */
  readonly statusOf: (deployment: Deployment) => DeploymentStatus | undefined;
  /** What the group's strategy goes by. */
  readonly seen: Choice['seen'];
  /** Deployments whose budget is spent. */
  readonly spent: readonly LeaseRefusal[];
}

/**
 * Who would serve a call, and why not the others, without asking anybody: the decisions that dispatch makes, over what the
 * cluster knows now. (Whether a deployment that is half-open lets this call through is not known before it is asked.)
 * @param random a fresh number 0 ≤ x < 1 at each call
 */
export function explainCall(
  { group, only }: TargetGroup,
  call: CallTraits,
  choice: Choice,
  policy: RoutingPolicy,
  { statusOf, spent }: Pick<Known, 'statusOf' | 'spent'>,
  nowMs: number,
  random: () => number,
): ExplainedCall {
  const misfits = misfitsOf(group, call, policy);
  const tokens = choice.inputTokens + choice.outputTokens;
  const skipped = new Map<string, Considered>();
  for (const deployment of group.deployments) {
    const { id, disabled } = deployment;
    const reason = disabled !== undefined ? 'disabled' : misfits.get(id)?.reason;
    if (reason !== undefined) skipped.set(id, { deployment: id, verdict: 'skipped', reason });
    else if (only !== undefined && !only.includes(id)) skipped.set(id, { deployment: id, ...NOT_ASKED });
    else {
      const budget = spent.find(({ deploymentId }) => deploymentId === id);
      const shut =
        budget === undefined
          ? shutBy(deployment, statusOf(deployment), tokens, nowMs)
          : { reason: budget.verdict, untilMs: budget.untilMs };
      if (shut !== undefined) skipped.set(id, { deployment: id, verdict: 'skipped', ...shut });
    }
  }
  const free = group.deployments.filter(({ id }) => !skipped.has(id));
  const weighed = new Map(explainChoice(group, free, choice, random).map((each) => [each.deployment, each]));
  const candidates = group.deployments.map(({ id }) => skipped.get(id) ?? weighed.get(id)!);
  if (free.length > 0) return { would: 'dispatch', candidates };
  const shut = candidates.filter(({ reason }) => reason !== undefined && SHUT.has(reason));
  if (shut.length === 0) return { would: 'reject', candidates };
  const until = shut.flatMap(({ untilMs }) => untilMs ?? []);
  const waitMs = until.length === 0 ? {} : { waitMs: Math.max(0, Math.min(...until) - nowMs) };
  return { would: 'wait', ...waitMs, candidates };
}

/** The call named one deployment, and it is not this. */
const NOT_ASKED = { verdict: 'skipped', reason: 'not_picked' } as const;
const SHUT = new Set<Considered['reason']>(['cooling', 'breaker_open', 'probing', 'parallel', 'rpm', 'tpm', 'budget']);

/** What the lease script would say, as far as a status tells it. */
function shutBy(
  { maxParallel, rpm, tpm }: Deployment,
  status: DeploymentStatus | undefined,
  tokens: number,
  nowMs: number,
): Pick<Considered, 'reason' | 'untilMs'> | undefined {
  if (status === undefined) return undefined;
  if (status.coolingUntilMs > nowMs) return { reason: 'cooling', untilMs: status.coolingUntilMs };
  if (status.breaker === 'open') return { reason: 'breaker_open', untilMs: status.openUntilMs };
  if (status.breaker === 'half_open' && status.inFlight > 0) return { reason: 'probing' };
  if (maxParallel !== undefined && status.inFlight >= maxParallel) return { reason: 'parallel' };
  if (rpm !== undefined && status.requests >= rpm) return { reason: 'rpm' };
  if (tpm !== undefined && status.tokens > 0 && status.tokens + tokens > tpm) return { reason: 'tpm' };
  return undefined;
}
