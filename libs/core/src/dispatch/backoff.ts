const BASE_MS = 500;
const CAP_MS = 8_000;

/**
 * Wait before the same deployment is asked again: 0.5 s × 2ⁿ up to 8 s, "equal jitter" (half fixed, half drawn), never
 * under `leastMs` (the router's `retry_after`).
 * @param failures of this deployment in this job so far, from 1
 * @param dice 0 ≤ dice < 1
 */
export function backoffMs(failures: number, leastMs: number, dice: number): number {
  const full = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 10));
  return Math.max(leastMs, Math.round(full / 2 + (full / 2) * dice));
}

/**
 * A number 0 ≤ x < 1 that is the same each time it is asked for (FNV-1a): a decision that is taken again after a wait, or in
 * another run of the job, finds the same end of the wait.
 */
export function fixedDice(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ (salt % 0x7fffffff);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 0x1_0000_0000;
}
