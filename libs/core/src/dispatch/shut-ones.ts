import type { Deployment, RoutingPolicy } from '../deployment.js';
import { consequenceOf } from '../failure.js';
import type { LeaseRefusal } from '../leases/lease.js';
import { mayServe, type Eligible } from './eligible-deployments.js';
import type { Progress, Tried } from './progress.js';
import type { StepContext, TargetGroup } from './step.js';

/** Nobody says when a slot is given back, or how another's probe will end; looked at again this often. */
const UNKNOWN_RETURN_MS = 250;
/** As long as the settle script shuts one whose key, quota or model is wrong. */
const OUT_MS = 300_000;

/** Those of a group that a job may ask, but not now. */
export interface ShutOnes {
  /** When the first of them may be back; Infinity when there are none. */
  untilMs: number;
  /** The same of those that are full or cooling, which are sure to be back; Infinity when failures alone shut all. */
  fullMs: number;
  /** How many full ones have not failed this job. */
  fullOnes: number;
  /** They are the whole group, for every job. */
  isWhole: boolean;
  /** The first to be back is one of which nobody knows when. */
  isGuess: boolean;
}

/** What the lease script's refusals and the job's own memory say together. */
export function shutOf(
  eligible: Eligible,
  refused: ReadonlyMap<string, LeaseRefusal>,
  { group, only }: TargetGroup,
  { tried }: Progress,
  { policy }: StepContext,
  nowMs: number,
): ShutOnes {
  let fullMs = Infinity;
  let outMs = Infinity;
  let guessMs = Infinity;
  let fullOnes = 0;
  const refusalOf = (id: string, isFresh: boolean): void => {
    const refusal = refused.get(id);
    if (refusal === undefined) return;
    const isKnown = refusal.untilMs > nowMs;
    const untilMs = isKnown ? refusal.untilMs : nowMs + UNKNOWN_RETURN_MS;
    if (!isKnown) guessMs = untilMs;
    if (refusal.verdict === 'breaker_open' || refusal.verdict === 'probing') outMs = Math.min(outMs, untilMs);
    else {
      fullMs = Math.min(fullMs, untilMs);
      if (isFresh) fullOnes++;
    }
  };
  const isShutForAll = (deployment: Deployment): boolean =>
    !mayServe(deployment, undefined) || refused.has(deployment.id) || isOut(deployment, tried, policy, nowMs);
  for (const { id } of eligible.fresh) refusalOf(id, true);
  for (const { deployment } of eligible.again) refusalOf(deployment.id, false);
  for (const { deployment } of eligible.lastly) refusalOf(deployment.id, false);
  for (const { readyMs } of eligible.resting) fullMs = Math.min(fullMs, readyMs);
  for (const { readyMs } of eligible.probed) outMs = Math.min(outMs, readyMs, nowMs + UNKNOWN_RETURN_MS); // another's probe may close it
  return {
    untilMs: Math.min(fullMs, outMs),
    isGuess: guessMs <= Math.min(fullMs, outMs) && guessMs < Infinity,
    fullMs,
    fullOnes: fullOnes + eligible.resting.length,
    isWhole: only === undefined && group.deployments.every(isShutForAll),
  };
}

/** This job has seen that its key, quota or model is wrong, which shuts it for everybody. */
function isOut({ id, cooldownMs }: Deployment, tried: readonly Tried[], policy: RoutingPolicy, nowMs: number): boolean {
  if (policy.disableCooldowns || (cooldownMs ?? policy.cooldownMs) === 0) return false;
  const sinceMs = nowMs - OUT_MS;
  return tried.some((t) => t.deployment === id && consequenceOf(t).shuts === 'out' && t.atMs > sinceMs);
}
