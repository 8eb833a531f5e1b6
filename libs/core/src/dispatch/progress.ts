import type { Considered } from './considered.js';
import type { FailureKind } from '../failure.js';

/** One finished try, as the decisions need it; the record keeps these, so that a job run again goes on where it was. */
export interface Tried {
  /** Name of the group that it was tried for. */
  group: string;
  deployment: string;
  kind: FailureKind;
  message: string;
  status?: number;
  atMs: number;
  /** It used one of the job's attempts: not a 429, not a failed half-open probe. */
  used: boolean;
  retryAfterMs?: number;
  param?: string;
  /** What refused the call as too long: no deployment of the same model is asked. */
  model?: string;
  /** Why it was this one, of those that could have been. */
  considered?: Considered[];
  /** Played, not called: the group is left. */
  isMock?: true;
  /** A row of 429s of one deployment is kept as the last of them, with their number; absent: 1. */
  times?: number;
}

/**
 * How far a job has come. Plain data: it is kept in the job record between runs.
 *
 *     regular ──spent──► untried ──all asked──► again ──spent──► next fallback group (regular) ──► … ──► fail
 *             └── untried and again only where the group stands in its own fallback list ──┘
 *
 * A group that was left because it was full or shut may be entered again when it is back and nothing else is.
 */
export interface Progress {
  /** Names of the groups entered, each once, the asked one first. */
  route: string[];
  /** The one of them where the job is now. */
  here: string;
  round: 'regular' | 'untried' | 'again';
  /** Fallback targets taken so far, as the list names them. */
  taken: string[];
  tried: Tried[];
  /** Index in `tried` at which the current round began. */
  roundFrom: number;
  /** Times that the job has waited for capacity in the current group while it could have left. */
  capacityWaits: number;
  /** Groups left without being spent, and when each may serve again. */
  left: LeftGroup[];
  /** Since when failures alone have shut the current group; absent: they do not. */
  shutSinceMs?: number;
}

export interface LeftGroup {
  name: string;
  untilMs: number;
  /** `full`: limits and 429s; `out`: failures alone; `slow`: only one that timed out for this job is left. */
  because: 'full' | 'out' | 'slow';
  /** Whether all of the group was refused then, so that it holds for every other job as well. */
  isWhole: boolean;
}

export const startOf = (group: string): Progress => ({
  route: [group],
  here: group,
  round: 'regular',
  taken: [],
  tried: [],
  roundFrom: 0,
  capacityWaits: 0,
  left: [],
});

/** After a failed attempt. */
export function afterTry(progress: Progress, tried: Tried): Progress {
  const before = progress.tried.findIndex(
    (t, i) =>
      i >= progress.roundFrom &&
      t.kind === 'rate_limit' &&
      t.deployment === tried.deployment &&
      t.group === tried.group,
  );
  if (tried.kind !== 'rate_limit' || before === -1) return { ...progress, tried: [...progress.tried, tried] };
  const times = (progress.tried[before]!.times ?? 1) + 1;
  return { ...progress, tried: [...progress.tried.toSpliced(before, 1), { ...tried, times }] };
}

export const triedInRound = (progress: Progress): Tried[] => progress.tried.slice(progress.roundFrom);

export const attemptsUsed = (tried: readonly Tried[]): number => tried.filter((t) => t.used).length;

/** Provider calls made, whatever they used. */
export const callsMade = (tried: readonly Tried[]): number => tried.reduce((sum, t) => sum + (t.times ?? 1), 0);

/**
 * A deployment that was asked beside another has taken the call over.
 * @param asOther where the job would have been, had the other failed
 */
export const takenOver = (progress: Progress, asOther: Progress): Progress => ({
  ...asOther,
  tried: progress.tried,
  roundFrom: Math.min(asOther.roundFrom, progress.tried.length),
});
