import type { Deployment, ModelGroup } from '../deployment.js';
import type { LeaseRefusal } from '../leases/lease.js';
import { eligibleDeployments, type Eligible, type Resting } from './eligible-deployments.js';
import { enter, MOST_ATTEMPTS_PER_JOB, nextTarget } from './next-target.js';
import { orderCandidates, type Candidate } from './order-candidates.js';
import { attemptsUsed, callsMade, triedInRound, type LeftGroup, type Progress } from './progress.js';
import { endsGroup, retriesAfter } from './retry-policy.js';
import { shutOf } from './shut-ones.js';
import type { Step, StepContext } from './step.js';
import { endOrGoBack, waitForCapacity, waitOutOutage, type Move } from './wait.js';

/** Nobody answers in less. */
const LEAST_ATTEMPT_MS = 10;
const LONGEST_HINT_MS = 24 * 3_600_000;

/**
 * After `begin`, after a failed attempt, after a wait, and after the lease script refused: whom to ask, or how it goes on.
 *
 *     fresh ones ─► those that failed this job, after a backoff ─► with nowhere else to go: those that timed out
 *        └─► all shut: wait, or leave for the next group ─► nowhere to go: wait for the first that is back, or fail
 *
 * @param refusals what the lease script said since the last wait; those deployments are not asked again before the next
 * @param random a fresh number 0 ≤ x < 1 at each call
 */
export function nextStep(
  progress: Progress,
  refusals: readonly LeaseRefusal[],
  context: StepContext,
  nowMs: number,
  random: () => number,
): Step {
  let move = moveInGroup(withOutageClock(progress), refusals, context, nowMs, random);
  while (move.do === 'leave') {
    const target = nextTarget(move.progress, context);
    if (target === undefined) return endOrGoBack(move.progress, context, nowMs);
    move = moveInGroup(enter(move.progress, target, move.left), refusals, context, nowMs, random);
  }
  return move;
}

function moveInGroup(
  progress: Progress,
  refusals: readonly LeaseRefusal[],
  context: StepContext,
  nowMs: number,
  random: () => number,
): Move {
  if (nowMs >= context.deadlineMs - LEAST_ATTEMPT_MS) return { do: 'fail', because: { kind: 'deadline' }, progress };
  const here = context.groupOf(progress.here);
  const last = triedInRound(progress).at(-1);
  const attempts = here === undefined ? 0 : attemptsLeft(progress, here.group, context);
  if (last !== undefined && endsGroup(context.policy, last)) {
    // For good: not to come back to either, if it had been left before as only full.
    const left = progress.left.filter(({ name }) => name !== progress.here);
    return { do: 'leave', progress: { ...progress, left }, left: undefined };
  }
  if (here === undefined || attempts <= 0) return { do: 'leave', progress, left: undefined };
  const refused = new Map(refusals.map((r) => [r.deploymentId, r]));
  const eligible = eligibleDeployments(here.group, here.only, progress, context.policy, nowMs);
  if (isOutOfPatience(progress, here.group, context) && nextTarget(progress, context) !== undefined) {
    return { do: 'leave', progress, left: undefined };
  }
  const fresh = eligible.fresh.filter((d) => !refused.has(d.id));
  if (fresh.length > 0) {
    return {
      do: 'ask',
      group: here.group,
      candidates: orderFresh(here.group, fresh, progress, context, random),
      progress,
    };
  }

  const canLeave = nextTarget(progress, context) !== undefined;
  const shut = shutOf(eligible, refused, here, progress, context, nowMs);
  const hasWaitedOut =
    context.isPatient !== true &&
    progress.shutSinceMs !== undefined &&
    nowMs >= progress.shutSinceMs + context.policy.outageWaitMs;
  // A deployment that failed once may be the only one to answer soon; but the last attempts are kept for those that did not.
  const canSpare = attempts > shut.fullOnes || shut.untilMs > context.startByMs;
  if (canSpare && !hasWaitedOut) {
    // One that timed out keeps the caller waiting as long again: another group goes first, unless a policy says otherwise.
    const mayAskSlow =
      !canLeave || retriesAfter({ group: here.group.name, kind: 'timeout' }, context.policy) !== undefined;
    for (const rank of mayAskSlow ? [eligible.again, eligible.lastly] : [eligible.again]) {
      const left = rank.filter(({ deployment }) => !refused.has(deployment.id));
      const step = askRested(left, here.group, shut.untilMs, progress, context, nowMs, random);
      if (step !== undefined) return step;
    }
  }
  if (shut.untilMs === Infinity && !hasWaitedOut) return { do: 'leave', progress, left: slowOnes(eligible, progress) };
  const untilMs = Math.min(shut.untilMs, nowMs + LONGEST_HINT_MS);
  const { isWhole, isGuess } = shut;
  const group = { name: progress.here, untilMs, isWhole, isGuess };
  return shut.fullMs < Infinity
    ? waitForCapacity(group, shut.fullMs, progress, context, canLeave, nowMs)
    : waitOutOutage(group, progress, context, canLeave, nowMs);
}

/**
 * Who told this job to wait comes after all others, whatever its `order`: else two whose cooldowns end while the other one is
 * being asked would take turns for ever, and a third never be asked.
 */
function orderFresh(
  group: ModelGroup,
  fresh: readonly Deployment[],
  { tried }: Progress,
  { choice }: StepContext,
  random: () => number,
): Candidate[] {
  const limited = new Set(tried.flatMap(({ kind, deployment }) => (kind === 'rate_limit' ? [deployment] : [])));
  if (limited.size === 0) return orderCandidates(group, fresh, choice, random);
  const isLimited = ({ id }: Deployment): boolean => limited.has(id);
  const first = orderCandidates(
    group,
    fresh.filter((d) => !isLimited(d)),
    choice,
    random,
  );
  const above = Math.max(0, ...first.map(({ tier }) => tier)) + 1;
  const then = orderCandidates(group, fresh.filter(isLimited), choice, random);
  const lowest = Math.min(...then.map(({ tier }) => tier));
  return [...first, ...then.map((candidate) => ({ ...candidate, tier: above + candidate.tier - lowest }))];
}

/** What is left of a group whose others are spent: whoever timed out is asked again when no other group can serve. */
function slowOnes({ lastly }: Eligible, { here }: Progress): LeftGroup | undefined {
  if (lastly.length === 0) return undefined;
  return { name: here, untilMs: Math.min(...lastly.map((r) => r.readyMs)), because: 'slow', isWhole: false };
}

/** `RateLimitErrorRetries` bounds the 429s of a group that could be left. */
function isOutOfPatience(progress: Progress, group: ModelGroup, { policy }: StepContext): boolean {
  const retries = retriesAfter({ group: group.name, kind: 'rate_limit' }, policy);
  if (retries === undefined) return false;
  return callsMade(triedInRound(progress).filter(({ kind }) => kind === 'rate_limit')) > retries;
}

/** The failed ones, each after its backoff; undefined when there is none. */
function askRested(
  rank: readonly Resting[],
  group: ModelGroup,
  othersBackMs: number,
  progress: Progress,
  { choice, deadlineMs }: StepContext,
  nowMs: number,
  random: () => number,
): Step | undefined {
  if (rank.length === 0) return undefined;
  const ready = rank.filter((r) => r.readyMs <= nowMs).map((r) => r.deployment);
  if (ready.length > 0)
    return { do: 'ask', group, candidates: orderCandidates(group, ready, choice, random), progress };
  const untilMs = Math.min(othersBackMs, ...rank.map((r) => r.readyMs));
  return untilMs < deadlineMs ? { do: 'pause', ms: untilMs - nowMs, for: 'time', progress } : undefined;
}

function attemptsLeft(progress: Progress, group: ModelGroup, { maxAttempts, policy }: StepContext): number {
  const inJob = MOST_ATTEMPTS_PER_JOB - attemptsUsed(progress.tried);
  if (progress.round !== 'regular') return inJob; // bounded by one attempt for each deployment
  const last = progress.tried.at(-1);
  const byClass = last && retriesAfter(last, policy);
  const own = group.deployments.find((d) => d.id === last?.deployment)?.numRetries;
  const wanted = maxAttempts ?? (byClass ?? own ?? policy.numRetries) + 1;
  return Math.min(inJob, wanted - attemptsUsed(triedInRound(progress)));
}

/** A failed probe says that failures shut the group; an attempt that was let through, that they do not. */
function withOutageClock(progress: Progress): Progress {
  const last = progress.tried.at(-1);
  if (last === undefined || last.kind === 'rate_limit') return progress;
  if (!last.used) return { ...progress, shutSinceMs: progress.shutSinceMs ?? last.atMs };
  if (progress.shutSinceMs === undefined || last.atMs < progress.shutSinceMs) return progress;
  const { shutSinceMs: _, ...open } = progress;
  return open;
}
