/** The deployment that was asked first, and the one that was asked as well because it was slow to begin. */
export type Racer = 'first' | 'second';

/**
 * A call that hedges, from the moment at which a second deployment is looked for.
 *
 *     asking ── lease taken ──► both ── one fails ──► one left ── fails ──► lost
 *        │                       └────── content ──────┴──► won: the other is closed
 *        └── refused ──► one left
 *
 * An error never wins: who fails is accounted for, and the other is waited for. `asking` may outlive its first racer.
 */
export type HedgeState =
  | { at: 'asking'; firstRuns: boolean }
  | { at: 'both' }
  | { at: 'one'; runs: Racer }
  | { at: 'won'; by: Racer }
  /** All that ran have failed, that one last. */
  | { at: 'lost'; by: Racer };

export type HedgeEvent =
  /** A lease for the second, or that there is none. */
  | { kind: 'taken' }
  | { kind: 'refused' }
  /** Content, or a complete answer without any. */
  | { kind: 'content'; by: Racer }
  | { kind: 'failure'; by: Racer };

export type HedgeAct =
  | 'start_second'
  /** The lease that is being asked for is given back unused, if it comes. */
  | 'want_no_second'
  | { close: Racer }
  /** Its failure counts; but not that of the last one: that is the attempt's own. */
  | { account: Racer };

export const HEDGE_START: HedgeState = { at: 'asking', firstRuns: true };

export function hedgeAfter(state: HedgeState, event: HedgeEvent): { state: HedgeState; acts: HedgeAct[] } {
  switch (state.at) {
    case 'asking':
      return whileAsking(state, event);
    case 'both': {
      if (event.kind === 'content') return { state: { at: 'won', by: event.by }, acts: [{ close: other(event.by) }] };
      if (event.kind === 'failure')
        return { state: { at: 'one', runs: other(event.by) }, acts: [{ account: event.by }] };
      return { state, acts: [] };
    }
    case 'one':
      if (event.kind === 'content') return { state: { at: 'won', by: event.by }, acts: [] };
      return event.kind === 'failure' ? { state: { at: 'lost', by: event.by }, acts: [] } : { state, acts: [] };
    case 'won':
    case 'lost':
      return { state, acts: [] };
  }
}

function whileAsking(
  { firstRuns }: Extract<HedgeState, { at: 'asking' }>,
  event: HedgeEvent,
): { state: HedgeState; acts: HedgeAct[] } {
  switch (event.kind) {
    case 'taken':
      return firstRuns
        ? { state: { at: 'both' }, acts: ['start_second'] }
        : { state: { at: 'one', runs: 'second' }, acts: [{ account: 'first' }, 'start_second'] };
    case 'refused':
      return firstRuns
        ? { state: { at: 'one', runs: 'first' }, acts: [] }
        : { state: { at: 'lost', by: 'first' }, acts: [] };
    case 'content':
      return { state: { at: 'won', by: 'first' }, acts: ['want_no_second'] };
    case 'failure':
      return { state: { at: 'asking', firstRuns: false }, acts: [] };
  }
}

const other = (racer: Racer): Racer => (racer === 'first' ? 'second' : 'first');

const EAGER_AT_LEAST_MS = 50;

/**
 * How long the first one may take to its first content before another is asked as well; undefined: none is.
 * @param leastMs of a rescue, `sluice.hedge_after`
 * @param p95Ms of the deployment's times to first content, once known
 */
export function hedgeDelayMs(
  hedge: 'rescue' | 'eager' | 'off',
  leastMs: number,
  p95Ms: number | undefined,
): number | undefined {
  if (hedge === 'off') return undefined;
  if (hedge === 'eager' && p95Ms !== undefined) return Math.max(EAGER_AT_LEAST_MS, p95Ms);
  return Math.max(leastMs, 3 * (p95Ms ?? 0));
}
