import { consequenceOf } from '../failure.js';
import { goBack } from './next-target.js';
import type { LeftGroup, Progress } from './progress.js';
import type { FailReason, Step, StepContext } from './step.js';

/** A step, or: this group cannot serve the job, it goes to the next. `left`: the group is not spent, only full or shut. */
export type Move = Step | { do: 'leave'; progress: Progress; left: LeftGroup | undefined };

/** Everybody of the group whom this job may still ask is shut; when the first of them may be back. */
export type Shut = Omit<LeftGroup, 'because'>;

const PAUSE_AT_MOST_MS = 1_000;
const WAIT_BEFORE_FALLBACK_MS = 5_000;

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
  const left: LeftGroup = { ...shut, because: 'full' };
  if (canLeave) {
    const isSoon = fullMs - nowMs <= WAIT_BEFORE_FALLBACK_MS;
    const waitsLeft = 1 + context.policy.numRetries - open.capacityWaits;
    if (context.rejectWhenFull || !isSoon || waitsLeft <= 0) return { do: 'leave', progress: open, left };
    const waiting = { ...open, capacityWaits: open.capacityWaits + 1 };
    return waitUntil(shut.untilMs, isForAll(waiting, left, shut.untilMs), waiting, nowMs);
  }
  const elsewhere = firstBack(open, 'full');
  const goesBack = elsewhere !== undefined && elsewhere.untilMs < shut.untilMs;
  const untilMs = goesBack ? Math.max(nowMs, elsewhere.untilMs) : shut.untilMs;
  if (context.rejectWhenFull || untilMs > context.startByMs) {
    return { do: 'fail', because: { kind: 'no_capacity', retryAfterMs: untilMs - nowMs }, progress: open };
  }
  return waitUntil(untilMs, isForAll(open, left, untilMs), goesBack ? goBack(open, elsewhere, left) : open, nowMs);
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
  const left: LeftGroup = { ...shut, because: 'out' };
  if (canLeave) return { do: 'leave', progress, left };
  const shutSinceMs = progress.shutSinceMs ?? nowMs;
  const waiting = { ...progress, shutSinceMs };
  const giveUpMs = Math.min(shutSinceMs + context.policy.outageWaitMs, context.startByMs);
  if (nowMs >= giveUpMs || shut.untilMs > giveUpMs) {
    const full = firstBack(progress, 'full');
    if (full !== undefined && full.untilMs <= context.startByMs) {
      return waitUntil(full.untilMs, false, goBack(progress, full, left), nowMs);
    }
    const retryAfterMs = Math.max(PAUSE_AT_MOST_MS, shut.untilMs - nowMs);
    return { do: 'fail', because: failReason(progress, { kind: 'all_out', retryAfterMs }), progress: waiting };
  }
  // Probed every two seconds while all are open: looking again sooner than the opening ends finds the recovery earlier.
  const lookMs = Math.min(shut.untilMs, giveUpMs, nowMs + PAUSE_AT_MOST_MS);
  const elsewhere = firstBack(progress);
  const goesBack = elsewhere !== undefined && elsewhere.untilMs < lookMs;
  return goesBack
    ? waitUntil(elsewhere.untilMs, false, goBack(waiting, elsewhere, left), nowMs)
    : waitUntil(lookMs, false, waiting, nowMs);
}

/** The group is spent and there is no other: back to one that was only full, else this is the end. */
export function endOrGoBack(progress: Progress, context: StepContext, nowMs: number): Step {
  const ended = progress.tried.at(-1);
  const back = firstBack(progress, 'full');
  const mayGoOn = ended === undefined || consequenceOf(ended).fallback === 'general';
  if (back !== undefined && mayGoOn && back.untilMs <= context.startByMs && !context.rejectWhenFull) {
    return waitUntil(back.untilMs, false, goBack(progress, back, undefined), nowMs);
  }
  const isFull = progress.tried.some(({ kind }) => kind === 'rate_limit') || progress.left.some(isLeftFull);
  const retryAfterMs = PAUSE_AT_MOST_MS;
  const otherwise = { kind: isFull ? 'no_capacity' : 'all_out', retryAfterMs } as const;
  return { do: 'fail', because: failReason(progress, otherwise), progress };
}

function waitUntil(untilMs: number, isForEverybody: boolean, progress: Progress, nowMs: number): Step {
  const ms = Math.max(1, untilMs - nowMs);
  return ms <= PAUSE_AT_MOST_MS || !isForEverybody
    ? { do: 'pause', ms, progress }
    : { do: 'give_back', untilMs, progress };
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

/** Of the groups left without being spent, the one that is back first. */
function firstBack(progress: Progress, because?: LeftGroup['because']): LeftGroup | undefined {
  let first: LeftGroup | undefined;
  for (const left of progress.left) {
    if (left.name === progress.here || (because !== undefined && left.because !== because)) continue;
    if (first === undefined || left.untilMs < first.untilMs) first = left;
  }
  return first;
}

const isLeftFull = ({ because }: LeftGroup): boolean => because === 'full';

/** Attempts of its own are what a call failed by, whatever came after. */
const failReason = (progress: Progress, otherwise: FailReason): FailReason =>
  progress.tried.some((t) => t.used) ? { kind: 'attempts_failed' } : otherwise;
