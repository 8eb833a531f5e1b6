import type { RunDeps } from '../run-deps.js';

/** Calls of the group make turns come earlier than the budget alone: so often a retry that waits asks again. */
const ASK_AGAIN_MS = 1_000;

/**
 * The turns that one run's retries wait for, one after the other.
 * @returns for a retry in this group: ms until it asks again; 0: it may go, and may until its attempt is made
 */
export function retryTurnsOf({ retries, policy }: RunDeps): (group: string) => Promise<number> {
  let held: { group: string; ticket: number; mayGo: boolean } | undefined;
  return async (group) => {
    const own = held?.group === group ? held : undefined;
    if (own?.mayGo === true) return 0;
    const turn = await retries.ask(group, policy.retryBudget, own?.ticket ?? 0);
    held = { group, ticket: turn.mayGo ? 0 : turn.ticket, mayGo: turn.mayGo };
    return turn.mayGo ? 0 : Math.min(turn.waitMs, ASK_AGAIN_MS);
  };
}
