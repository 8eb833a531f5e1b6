import type { Progress } from '../dispatch/progress.js';

/** Retries a second that every group may make, however few its calls are. */
export const RETRIES_PER_SECOND = 3;
/** So many may be made at once when none were for a while: ten seconds' worth. */
export const RETRIES_AT_ONCE = 30;

/**
 * A group's budget of retries: what was granted so far, and the number of the last ticket. Ticket k may go when k were
 * granted; the difference is how many may go at once, or how many wait.
 */
export interface RetryBudgetState {
  granted: number;
  issued: number;
  atMs: number;
}

export interface RetryAsk {
  /** Of the group's calls that may be retries: 0.2. */
  readonly share: number;
  /** First calls of the group that nobody told before. */
  readonly calls: number;
  /** The one that this retry waits with; 0: it has none yet. */
  readonly ticket: number;
}

export type RetryTurn =
  { readonly mayGo: true } | { readonly mayGo: false; readonly ticket: number; readonly waitMs: number };

/**
 * Whether a retry may go now, or with which ticket it asks again, and when at the latest its turn comes. First come, first
 * served. In any time T no more than `RETRIES_AT_ONCE + RETRIES_PER_SECOND × T + share × calls` go. The twin of
 * `libs/state/src/redis/scripts/ask-retry-turn.lua`, where it happens; a test replays histories over both.
 * @param state absent: nobody asked for a long time, or Redis has lost it
 * @returns the state from then on
 */
export function retryTurn(
  state: RetryBudgetState | undefined,
  { share, calls, ticket: held }: RetryAsk,
  nowMs: number,
): { state: RetryBudgetState; turn: RetryTurn } {
  const known = state ?? { granted: RETRIES_AT_ONCE, issued: 0, atMs: nowMs };
  const earned = (RETRIES_PER_SECOND * Math.max(0, nowMs - known.atMs)) / 1_000 + share * calls;
  const granted = Math.min(known.granted + earned, known.issued + RETRIES_AT_ONCE);
  const isKnown = held > 0 && held <= known.issued;
  const ticket = isKnown ? held : known.issued + 1;
  const after = { granted, issued: isKnown ? known.issued : ticket, atMs: nowMs };
  if (ticket <= granted) return { state: after, turn: { mayGo: true } };
  const waitMs = Math.ceil(((ticket - granted) / RETRIES_PER_SECOND) * 1_000);
  return { state: after, turn: { mayGo: false, ticket, waitMs } };
}

/**
 * Whether the next attempt in this group is a retry: the job's last one there used an attempt. A 429 and a failed probe
 * are waited out, and the first call to another group is that group's own.
 */
export function isRetryIn(group: string, { tried }: Progress): boolean {
  return tried.length > 0 && tried.findLast((t) => t.group === group)?.used === true;
}

/** Whether this job has not called this group before: what retries are a share of. */
export const isFirstIn = (group: string, { tried }: Progress): boolean => tried.every((t) => t.group !== group);
