import { goBack } from './next-target.js';
import type { LeftGroup, Progress } from './progress.js';
import { consequenceUnder, retriesAfter } from './retry-policy.js';
import type { FailReason, PauseFor, Step, StepContext } from './step.js';

/** A step, or: this group cannot serve the job, it goes to the next. `left`: the group is not spent, only full or shut. */
export type Move = Step | { do: 'leave'; progress: Progress; left: LeftGroup | undefined };

/** Everybody of the group whom this job may still ask is shut; when the first of them may be back. */
export interface Shut extends Omit<LeftGroup, 'because'> {
  /** Nobody knows when: when another call ends. */
  isGuess: boolean;
}

const PAUSE_AT_MOST_MS = 1_000;
const WAIT_BEFORE_FALLBACK_MS = 5_000;
/** Who is back so much later than we wait is not merely failing, which is probed every two seconds. */
const SURELY_OUT_MS = 10_000;
/** Who waits an outage out looks again so soon, with a probe that finds the recovery. */
const OUTAGE_LOOK_MS = 5_000;

/**
 * Full or cooling: waited for if somebody is back soon or there is nowhere else to go.
 * @param fullMs when the first of the full ones is back; `shut` may end earlier, with an attempt to close a breaker
 */
export function waitForCapacity(
  shut: Shut,
  fullMs: number,
  progress: Progress,
  context: StepContext,
  canLeave: boolean,
  nowMs: number,
): Move {
  const { shutSinceMs: _, ...open } = progress;
  const left = leftBy(shut, 'full');
  const what = shut.isGuess ? 'slot' : 'return';
  if (canLeave) {
    const isSoon = fullMs - nowMs <= WAIT_BEFORE_FALLBACK_MS;
    const granted = retriesAfter({ group: shut.name, kind: 'rate_limit' }, context.policy);
    const waitsLeft = (granted ?? 1 + context.policy.numRetries) - open.capacityWaits;
    if (context.rejectWhenFull || !isSoon || waitsLeft <= 0) return { do: 'leave', progress: open, left };
    const waiting = { ...open, capacityWaits: open.capacityWaits + 1 };
    return waitForAll(shut.untilMs, what, left, waiting, waiting, context, nowMs);
  }
  const elsewhere = firstBack(open, 'full', 'slow');
  const goesBack = elsewhere !== undefined && elsewhere.untilMs < shut.untilMs;
  const untilMs = goesBack ? Math.max(nowMs, elsewhere.untilMs) : shut.untilMs;
  if (context.rejectWhenFull || untilMs > context.startByMs) {
    return { do: 'fail', because: { kind: 'no_capacity', retryAfterMs: untilMs - nowMs }, progress: open };
  }
  const then = goesBack ? goBack(open, elsewhere, left) : open;
  return waitForAll(untilMs, goesBack ? 'return' : what, left, open, then, context, nowMs);
}

/**
 * Out by failures alone: left at once; with nowhere to go looked at again and again for as long as is configured, unless it
 * is known that nobody will be back by then (a wrong key is out for minutes).
 */
export function waitOutOutage(
  shut: Shut,
  progress: Progress,
  context: StepContext,
  canLeave: boolean,
  nowMs: number,
): Move {
  const left = leftBy(shut, 'out');
  if (canLeave) return { do: 'leave', progress, left };
  const known = progress.here === progress.route[0] ? context.outSinceMs : undefined;
  const shutSinceMs = progress.shutSinceMs ?? known ?? nowMs;
  const waiting = { ...progress, shutSinceMs };
  if (context.isPatient) {
    return waitForAll(Math.min(shut.untilMs, nowMs + OUTAGE_LOOK_MS), 'return', left, waiting, waiting, context, nowMs);
  }
  const giveUpMs = Math.min(shutSinceMs + context.policy.outageWaitMs, context.startByMs);
  if (nowMs >= giveUpMs || shut.untilMs > giveUpMs + SURELY_OUT_MS) {
    const open = firstBack(progress, 'full', 'slow');
    if (open !== undefined && open.untilMs <= context.startByMs) {
      return waitInPlace(open.untilMs, 'return', goBack(progress, open, left), nowMs);
    }
    const retryAfterMs = Math.max(PAUSE_AT_MOST_MS, shut.untilMs - nowMs);
    return { do: 'fail', because: failReason(progress, { kind: 'all_out', retryAfterMs }), progress: waiting };
  }
  // Probed every two seconds while all are open: looking again sooner than the opening ends finds the recovery earlier.
  const lookMs = Math.min(shut.untilMs, giveUpMs, nowMs + PAUSE_AT_MOST_MS);
  const elsewhere = firstBack(progress, 'full', 'out', 'slow');
  const goesBack = elsewhere !== undefined && elsewhere.untilMs < lookMs;
  return goesBack
    ? waitInPlace(elsewhere.untilMs, 'time', goBack(waiting, elsewhere, left), nowMs)
    : waitInPlace(lookMs, 'time', waiting, nowMs);
}

/** The group is spent and there is no other: back to one that was only full, else this is the end. */
export function endOrGoBack(progress: Progress, context: StepContext, nowMs: number): Step {
  const ended = progress.tried.at(-1);
  const back = context.isPatient ? firstBack(progress, 'full', 'out') : firstBack(progress, 'full');
  const mayGoOn = ended === undefined || consequenceUnder(context.policy, ended).fallback === 'general';
  if (back !== undefined && mayGoOn && back.untilMs <= context.startByMs && !context.rejectWhenFull) {
    if (context.isPatient && back.because === 'out') {
      const lookMs = Math.min(back.untilMs, nowMs + OUTAGE_LOOK_MS);
      const then = goBack(progress, back, undefined);
      return waitForAll(lookMs, 'return', back, progress, then, context, nowMs);
    }
    return waitInPlace(back.untilMs, 'return', goBack(progress, back, undefined), nowMs);
  }
  const isFull = progress.tried.some(({ kind }) => kind === 'rate_limit') || progress.left.some(isLeftFull);
  const retryAfterMs = PAUSE_AT_MOST_MS;
  const misfit = context.groupOf(progress.route[0]!)?.unfit;
  const otherwise: FailReason =
    misfit !== undefined && !isFull
      ? { kind: 'unfit', misfit }
      : { kind: isFull ? 'no_capacity' : 'all_out', retryAfterMs };
  return { do: 'fail', because: failReason(progress, otherwise), progress };
}

const leftBy = ({ name, untilMs, isWhole }: Shut, because: LeftGroup['because']): LeftGroup => ({
  name,
  untilMs,
  because,
  isWhole,
});

const waitInPlace = (untilMs: number, what: PauseFor, progress: Progress, nowMs: number): Step => ({
  do: 'pause',
  ms: Math.max(1, untilMs - nowMs),
  for: what,
  progress,
});

/** In place when it is short and few do, or when others need not wait; else in the backlog. */
function waitForAll(
  untilMs: number,
  what: 'return' | 'slot',
  left: LeftGroup,
  progress: Progress,
  then: Progress,
  context: StepContext,
  nowMs: number,
): Step {
  const isShort = untilMs - nowMs <= PAUSE_AT_MOST_MS;
  if (!isForAll(progress, left, untilMs) || (isShort && context.mayWaitInPlace(what))) {
    return waitInPlace(untilMs, what, then, nowMs);
  }
  return { do: 'give_back', untilMs: Math.max(nowMs + 1, untilMs), progress: then };
}

/**
 * Giving a job back shuts the queue's gate until then. That is right only when nobody of the asked group could serve
 * another job either: not when this one asked for one deployment by its id, or has failed at those that are free.
 */
function isForAll(progress: Progress, now: LeftGroup, untilMs: number): boolean {
  const asked = progress.route[0]!;
  const ofAsked = now.name === asked ? now : progress.left.find(({ name }) => name === asked);
  return ofAsked !== undefined && ofAsked.isWhole && ofAsked.untilMs >= untilMs;
}

/** Of the groups left for one of these reasons, the one that is back first. */
function firstBack(progress: Progress, ...because: LeftGroup['because'][]): LeftGroup | undefined {
  let first: LeftGroup | undefined;
  for (const left of progress.left) {
    if (left.name === progress.here || !because.includes(left.because)) continue;
    if (first === undefined || left.untilMs < first.untilMs) first = left;
  }
  return first;
}

const isLeftFull = ({ because }: LeftGroup): boolean => because === 'full';

/** Attempts of its own are what a call failed by, whatever came after. */
const failReason = (progress: Progress, otherwise: FailReason): FailReason =>
  progress.tried.some((t) => t.used) ? { kind: 'attempts_failed' } : otherwise;
