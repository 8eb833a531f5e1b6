import type { FailureKind } from '../failure.js';

/** One finished try, as the decisions need it; the record keeps these, so that a job run again goes on where it was. */
export interface Tried {
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
}

/**
 * How far a job has come. Plain data: it is kept in the job record between runs.
 *
 *     regular ──spent──► untried ──all asked──► again ──spent──► next fallback group (regular) ──► … ──► fail
 *             └── untried and again only where the group stands in its own fallback list ──┘
 */
export interface Progress {
  /** Groups entered, the asked one first; the last is the current one. */
  route: string[];
  round: 'regular' | 'untried' | 'again';
  /** Fallback targets already taken from the asked group's list. */
  targetsTaken: number;
  tried: Tried[];
  /** Index in `tried` at which the current round began. */
  roundFrom: number;
  /** Times that the job has waited for capacity in the current group. */
  capacityWaits: number;
  /** Since when failures alone have shut the current group; absent: they do not. */
  shutSinceMs?: number;
}

export const startOf = (group: string): Progress => ({
  route: [group],
  round: 'regular',
  targetsTaken: 0,
  tried: [],
  roundFrom: 0,
  capacityWaits: 0,
});

export const currentGroup = (progress: Progress): string => progress.route.at(-1)!;

export const triedInRound = (progress: Progress): Tried[] => progress.tried.slice(progress.roundFrom);

export const attemptsUsed = (tried: readonly Tried[]): number => tried.filter((t) => t.used).length;
