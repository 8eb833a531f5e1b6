import type { LeaseCandidate } from './lease.js';

/**
 * How much of its minute each has used: of `tpm` where any has one, else of `rpm`; one without gets the mean of the others.
 * Where nobody has a limit the tokens themselves are compared. Source: LITELLM.md 4, usage-based-routing.
 * @param limits per minute; 0: none
 */
export function usedShares(
  limits: readonly Pick<LeaseCandidate, 'rpm' | 'tpm'>[],
  used: readonly { requests: number; tokens: number }[],
): number[] {
  const tpms = limits.map(({ tpm }) => tpm);
  const isByTokens = tpms.some((tpm) => tpm > 0);
  const own = isByTokens ? tpms : limits.map(({ rpm }) => rpm);
  const known = own.filter((limit) => limit > 0);
  if (known.length === 0) return used.map(({ tokens }) => tokens);
  const mean = known.reduce((sum, limit) => sum + limit, 0) / known.length;
  return used.map(({ requests, tokens }, i) => (isByTokens ? tokens : requests) / (own[i]! > 0 ? own[i]! : mean));
}
