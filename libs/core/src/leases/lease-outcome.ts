import { consequenceOf, type Failure } from '../failure.js';
import type { BreakerRules, LeaseOutcome } from './lease.js';

/**
 * What a failed attempt says about its deployment.
 * @param tripped The failure made this process's circuit go open.
 * @param tokens Really used; absent: what was reserved stays.
 */
export function leaseOutcomeOf(
  failure: Pick<Failure, 'kind' | 'retryAfterMs'>,
  rules: BreakerRules,
  { tripped = false, tokens }: { tripped?: boolean; tokens?: number } = {},
): LeaseOutcome {
  const { countsAgainstBreaker, shuts } = consequenceOf(failure);
  const about = { rules, reason: failure.kind, ...(tokens !== undefined && { tokens }) };
  const hint = failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs };
  if (shuts === 'out') return { kind: 'out', ...about };
  if (countsAgainstBreaker) return { kind: 'failed', tripped, ...about, ...hint };
  if (shuts === 'cools') return { kind: 'cools', ...about, ...hint };
  return { kind: 'neutral', rules, ...(tokens !== undefined && { tokens }) };
}
