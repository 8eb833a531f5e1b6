const BASE_MS = 500;
const CAP_MS = 8_000;

/**
 * Wait before the same deployment is asked again: 0.5 s × 2ⁿ up to 8 s, "equal jitter" (half fixed, half drawn), never
 * under `retryAfterMs` of the router.
 * @param failures of this deployment in this job so far, from 1
 * @param dice 0 ≤ dice < 1
 */
export function backoffMs(failures: number, leastMs: number, dice: number): number {
  const full = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 10));
  return Math.max(leastMs, Math.round(full / 2 + (full / 2) * dice));
}
