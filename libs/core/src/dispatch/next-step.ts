import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import { consequenceOf, type FailureKind } from '../failure.js';
import type { LeaseRefusal } from '../leases/lease.js';
import { backoffMs } from './backoff.js';
import { eligibleDeployments, type Eligible } from './eligible-deployments.js';
import { fallbackTargets } from './fallback-targets.js';
import { orderCandidates } from './order-candidates.js';
import { attemptsUsed, currentGroup, triedInRound, type Progress } from './progress.js';

/** What a job does next. `progress` is what holds from then on. */
export type Step =
  | { do: 'ask'; group: ModelGroup; candidates: Deployment[]; progress: Progress }
  /** Wait with the worker's slot held: short, and capacity or a backoff ends it. Then ask again. */
  | { do: 'pause'; ms: number; progress: Progress }
  /** Back to the head of the group's backlog, slot given back; nothing is fed before `untilMs`. */
  | { do: 'give_back'; untilMs: number; progress: Progress }
  | { do: 'fail'; because: FailReason; progress: Progress };

export type FailReason =
  /** The error of the first group's last attempt. */
  | { kind: 'attempts_failed' }
  /** Never started: everything is full or cooling past the caller's time. */
  | { kind: 'no_capacity'; retryAfterMs: number }
  /** Never started: failures alone shut everything. */
  | { kind: 'all_out'; retryAfterMs: number };

/** Prepared once per job. */
export interface StepContext {
  policy: RoutingPolicy;
  /** A group by name, alias or deployment id, as far as it can serve at all. */
  groupOf: (target: string) => { group: ModelGroup; only: readonly string[] | undefined } | undefined;
  /** The asked group's ids that may serve; absent: all. */
  only: readonly string[] | undefined;
  /** Attempts in each group that the caller asked for; absent: the deployment's or router's `num_retries` + 1. */
  maxAttempts: number | undefined;
  /** The caller's own fallback list; absent: the configuration's. */
  fallbacks: readonly string[] | undefined;
  /** The job must have started by then: the end of the caller's wait or the deadline. Unix ms. */
  startByMs: number;
  rejectWhenFull: boolean;
}

const MOST_ATTEMPTS_PER_JOB = 20;
const PAUSE_AT_MOST_MS = 1_000;
const WAIT_BEFORE_FALLBACK_MS = 5_000;
/** Nobody says when a slot is given back; asked again this often. */
const UNKNOWN_RETURN_MS = 250;

/** After `begin`, after a failed attempt and after a wait: whom to ask, or how it goes on. */
export function nextStep(progress: Progress, context: StepContext, nowMs: number, random: () => number): Step {
  const here = groupHere(progress, context);
  if (here === undefined) return leaveGroup(progress, context, nowMs, random);
  const last = triedInRound(progress).at(-1);
  if (last !== undefined && endsGroup(last.kind)) return leaveGroup(progress, context, nowMs, random);
  if (attemptsLeft(progress, here.group, context) <= 0) return leaveGroup(progress, context, nowMs, random);
  const eligible = eligibleDeployments(here.group, here.only, progress, context.policy);
  if (eligible.fresh.length > 0) {
    const restMs = progress.round === 'again' ? restOf(eligible.fresh, progress, context.policy, nowMs) : 0;
    if (restMs > 0) return { do: 'pause', ms: restMs, progress };
    return { do: 'ask', group: here.group, candidates: orderCandidates(here.group, eligible.fresh, random), progress };
  }
  return (
    askAgain(here.group, eligible, progress, context, nowMs, random) ?? leaveGroup(progress, context, nowMs, random)
  );
}

/** After the lease script refused every candidate of an `ask`. */
export function stepAfterRefusal(
  progress: Progress,
  refusals: readonly LeaseRefusal[],
  context: StepContext,
  nowMs: number,
  random: () => number,
): Step {
  const here = groupHere(progress, context)!;
  const full = refusals.filter((r) => r.verdict !== 'breaker_open' && r.verdict !== 'probing');
  const eligible = eligibleDeployments(here.group, here.only, progress, context.policy);
  const asked = new Set(refusals.map((r) => r.deploymentId));
  const wasFresh = eligible.fresh.some((d) => asked.has(d.id));

  const returnMs = earliestReturn(full.length > 0 ? full : refusals, nowMs);

  // A deployment that failed once may be the only one to answer soon; but the last attempts are kept for those that did not.
  const canSpare = attemptsLeft(progress, here.group, context) > full.length || returnMs > context.startByMs;
  if (wasFresh && canSpare) {
    const again = askAgain(here.group, eligible, progress, context, nowMs, random);
    if (again !== undefined) return again;
  }
  return full.length > 0
    ? waitForCapacity(returnMs, progress, context, nowMs, random)
    : waitOutOutage(returnMs, progress, context, nowMs, random);
}

function waitForCapacity(
  returnMs: number,
  progress: Progress,
  context: StepContext,
  nowMs: number,
  random: () => number,
): Step {
  const { shutSinceMs: _, ...open } = progress;
  const waitMs = returnMs - nowMs;
  const canLeave = nextTarget(progress, context, 'rate_limit') !== undefined;
  if (canLeave) {
    const waitsLeft = 1 + context.policy.numRetries - progress.capacityWaits;
    if (context.rejectWhenFull || waitMs > WAIT_BEFORE_FALLBACK_MS || waitsLeft <= 0) {
      return leaveGroup(open, context, nowMs, random);
    }
  } else if (context.rejectWhenFull || returnMs > context.startByMs) {
    return { do: 'fail', because: { kind: 'no_capacity', retryAfterMs: waitMs }, progress: open };
  }
  if (waitMs <= PAUSE_AT_MOST_MS) return { do: 'pause', ms: waitMs, progress: countWait(open, canLeave) };
  return { do: 'give_back', untilMs: returnMs, progress: countWait(open, canLeave) };
}

const countWait = (progress: Progress, canLeave: boolean): Progress =>
  canLeave ? { ...progress, capacityWaits: progress.capacityWaits + 1 } : progress;

function waitOutOutage(
  returnMs: number,
  progress: Progress,
  context: StepContext,
  nowMs: number,
  random: () => number,
): Step {
  if (nextTarget(progress, context, 'server') !== undefined) return leaveGroup(progress, context, nowMs, random);
  const shutSinceMs = progress.shutSinceMs ?? nowMs;
  const giveUpMs = Math.min(shutSinceMs + context.policy.outageWaitMs, context.startByMs);
  const waiting = { ...progress, shutSinceMs };
  if (nowMs >= giveUpMs) {
    const retryAfterMs = Math.max(PAUSE_AT_MOST_MS, returnMs - nowMs);
    return { do: 'fail', because: failReason(progress, { kind: 'all_out', retryAfterMs }), progress: waiting };
  }
  // Probed every two seconds while all are open: looking again sooner than the opening ends finds the recovery earlier.
  const untilMs = Math.min(returnMs, giveUpMs, nowMs + PAUSE_AT_MOST_MS);
  return { do: 'pause', ms: Math.max(1, untilMs - nowMs), progress: waiting };
}

/** The failed ones, each after its backoff; undefined when there is none. */
function askAgain(
  group: ModelGroup,
  eligible: Eligible,
  progress: Progress,
  { policy }: StepContext,
  nowMs: number,
  random: () => number,
): Step | undefined {
  if (eligible.again.length === 0) return undefined;
  const waits = eligible.again.map(({ deployment, lastTried, failures }) => ({
    deployment,
    // A fixed draw per deployment and failure: asked twice, the answer is the same and the wait does not start anew.
    readyMs: lastTried.atMs + backoffMs(failures, policy.retryAfterMs, diceOf(deployment.id, lastTried.atMs)),
  }));
  const ready = waits.filter((w) => w.readyMs <= nowMs).map((w) => w.deployment);
  if (ready.length > 0) return { do: 'ask', group, candidates: orderCandidates(group, ready, random), progress };
  return { do: 'pause', ms: Math.min(...waits.map((w) => w.readyMs)) - nowMs, progress };
}

/** Before the extra round: time until the first of these may be asked again, 0 when one may now. */
function restOf(fresh: Deployment[], { tried }: Progress, { retryAfterMs }: RoutingPolicy, nowMs: number): number {
  const readyMs = fresh.map((deployment) => {
    const failures = tried.filter((t) => t.deployment === deployment.id && t.kind !== 'rate_limit');
    const last = failures.at(-1);
    if (last === undefined) return nowMs;
    return last.atMs + backoffMs(failures.length, retryAfterMs, diceOf(deployment.id, last.atMs));
  });
  return Math.max(0, Math.min(...readyMs) - nowMs);
}

/** The group is spent: its own untried ones and one more round where it names itself, else the next fallback group. */
function leaveGroup(progress: Progress, context: StepContext, nowMs: number, random: () => number): Step {
  const target = nextTarget(progress, context, progress.tried.at(-1)?.kind);
  if (target === undefined) {
    const fallbackReason = { kind: 'no_capacity', retryAfterMs: PAUSE_AT_MOST_MS } as const;
    return { do: 'fail', because: failReason(progress, fallbackReason), progress };
  }
  return nextStep(enter(progress, target), context, nowMs, random);
}

type Target =
  { kind: 'self'; round: 'untried' | 'again'; taken: number } | { kind: 'group'; name: string; taken: number };

function nextTarget(progress: Progress, context: StepContext, last: FailureKind | undefined): Target | undefined {
  const asked = progress.route[0]!;
  const ended = progress.tried.at(-1);
  if (progress.round === 'untried' && (ended === undefined || !endsGroup(ended.kind))) {
    return { kind: 'self', round: 'again', taken: progress.targetsTaken };
  }
  if (attemptsUsed(progress.tried) >= MOST_ATTEMPTS_PER_JOB) return undefined;
  const ownFailure = progress.tried.findLast((t) => t.group === asked)?.kind ?? last;
  const targets = fallbackTargets(asked, ownFailure, context.policy, context.fallbacks);
  for (let i = progress.targetsTaken; i < targets.length; i++) {
    const name = targets[i]!;
    if (name === asked && ended !== undefined && endsGroup(ended.kind)) continue;
    if (name === asked) return { kind: 'self', round: 'untried', taken: i + 1 };
    if (progress.route.includes(name) || context.groupOf(name) === undefined) continue;
    if (progress.route.length - 1 >= context.policy.maxFallbacks) return undefined;
    return { kind: 'group', name, taken: i + 1 };
  }
  return undefined;
}

function enter(progress: Progress, target: Target): Progress {
  const { shutSinceMs: _, ...rest } = progress;
  const entered = { ...rest, targetsTaken: target.taken, capacityWaits: 0, roundFrom: progress.tried.length };
  if (target.kind === 'group') return { ...entered, route: [...progress.route, target.name], round: 'regular' };
  return { ...entered, route: [...new Set([...progress.route, progress.route[0]!])], round: target.round };
}

function groupHere(
  progress: Progress,
  context: StepContext,
): { group: ModelGroup; only: readonly string[] | undefined } | undefined {
  const name = progress.round === 'regular' ? currentGroup(progress) : progress.route[0]!;
  const found = context.groupOf(name);
  if (found === undefined) return undefined;
  return name === progress.route[0] && context.only !== undefined ? { group: found.group, only: context.only } : found;
}

function attemptsLeft(progress: Progress, group: ModelGroup, context: StepContext): number {
  const inJob = MOST_ATTEMPTS_PER_JOB - attemptsUsed(progress.tried);
  if (progress.round !== 'regular') return inJob; // bounded by one attempt for each deployment
  const lastAsked = progress.tried.at(-1)?.deployment;
  const own = group.deployments.find((d) => d.id === lastAsked)?.numRetries;
  const wanted = context.maxAttempts ?? (own ?? context.policy.numRetries) + 1;
  return Math.min(inJob, wanted - attemptsUsed(triedInRound(progress)));
}

/** Asking another deployment of this group would not help. */
function endsGroup(kind: FailureKind): boolean {
  return consequenceOf({ kind }).another === 'no';
}

const failReason = (progress: Progress, otherwise: FailReason): FailReason =>
  progress.tried.some((t) => t.kind !== 'rate_limit') ? { kind: 'attempts_failed' } : otherwise;

function earliestReturn(refusals: readonly LeaseRefusal[], nowMs: number): number {
  let earliest = Infinity;
  for (const { untilMs } of refusals) {
    earliest = Math.min(earliest, untilMs > nowMs ? untilMs : nowMs + UNKNOWN_RETURN_MS);
  }
  return Number.isFinite(earliest) ? earliest : nowMs + UNKNOWN_RETURN_MS;
}

/** A number 0 ≤ x < 1 that is the same each time it is asked for (FNV-1a). */
function diceOf(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ (salt % 0x7fffffff);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 0x1_0000_0000;
}
