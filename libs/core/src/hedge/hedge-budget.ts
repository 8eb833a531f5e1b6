/** Hedges that a group has free, whatever its calls. */
export const FREE_HEDGES_PER_MINUTE = 3;

/** This minute of the clock and the one before it. */
export interface HedgeBudgetState {
  minute: number;
  calls: number;
  hedges: number;
  lastCalls: number;
  lastHedges: number;
}

/**
 * Whether a hedge may go, by what its group did within the last minute: the running minute, and of the one before it as
 * much as the window still holds. The twin of `libs/state/src/redis/scripts/take-hedge.lua`.
 * @param calls that nobody told before
 */
export function takeHedge(
  state: HedgeBudgetState | undefined,
  { share, calls }: { share: number; calls: number },
  nowMs: number,
): { state: HedgeBudgetState; mayGo: boolean } {
  const minute = Math.floor(nowMs / 60_000);
  const now = { minute, calls: 0, hedges: 0, lastCalls: 0, lastHedges: 0 };
  if (state?.minute === minute) Object.assign(now, state);
  else if (state?.minute === minute - 1) Object.assign(now, { lastCalls: state.calls, lastHedges: state.hedges });
  now.calls += calls;
  const weight = 1 - (nowMs % 60_000) / 60_000;
  const hedges = now.hedges + now.lastHedges * weight;
  const mayGo = hedges + 1 <= FREE_HEDGES_PER_MINUTE + share * (now.calls + now.lastCalls * weight);
  if (mayGo) now.hedges++;
  return { state: now, mayGo };
}
