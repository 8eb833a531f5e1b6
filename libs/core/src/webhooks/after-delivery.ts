const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Waits after the first, second … failed try of a delivery: ten tries in all, over 75.6 hours. */
export const RETRY_STEPS_MS: readonly number[] = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  DAY_MS,
];

/** An endpoint that took nothing for so long is disabled. */
export const GIVE_UP_AFTER_MS = 72 * HOUR_MS;

/** Why a try has no status. */
export type NoAnswer =
  | 'blocked_address'
  | 'dns_failed'
  | 'connection_failed'
  | 'tls_failed'
  | 'timeout'
  | 'malformed_answer'
  | 'endpoint_disabled'
  | 'job_erased'
  | 'secret_unreadable';

/** What came of one try. `retryAfterMs`: what the receiver asked for, ms from now. */
export type TryOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs?: number }
  | { readonly kind: 'unanswered'; readonly error: NoAnswer };

/**
 * What becomes of a delivery. `calm`: the receiver is overloaded; until it takes something it gets one try at a time, and
 * none before that time (Unix ms). `isGone`: it wants nothing more, ever.
 */
export type AfterDelivery =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again'; readonly atMs: number; readonly calmUntilMs?: number }
  | { readonly kind: 'failed'; readonly isGone: boolean; readonly calmUntilMs?: number };

const OVERLOADED = new Set([429, 502, 504]);
const GONE = 410;
const JITTER = 0.1;

export const isSuccess = (outcome: TryOutcome): boolean =>
  outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300;

/**
 * The jitter only adds, so that nothing comes before its time. A `Retry-After` shorter than the step changes nothing: a
 * receiver that says "1" for an hour would have used up all its tries in ten seconds.
 * @param tries made so far, with this one: from 1
 * @param dice 0 ≤ dice < 1
 */
export function afterDelivery(tries: number, outcome: TryOutcome, nowMs: number, dice: number): AfterDelivery {
  if (isSuccess(outcome)) return { kind: 'delivered' };
  const status = outcome.kind === 'answered' ? outcome.status : undefined;
  if (status === GONE) return { kind: 'failed', isGone: true };
  const asked = outcome.kind === 'answered' ? Math.min(Math.max(outcome.retryAfterMs ?? 0, 0), DAY_MS) : 0;
  const isOverloaded = status !== undefined && OVERLOADED.has(status);
  const calm = isOverloaded ? { calmUntilMs: nowMs + asked } : {};
  const stepMs = RETRY_STEPS_MS[tries - 1];
  if (stepMs === undefined) return { kind: 'failed', isGone: false, ...calm };
  const waitMs = Math.max(Math.round(stepMs * (1 + JITTER * dice)), isOverloaded ? asked : 0);
  return { kind: 'again', atMs: nowMs + waitMs, ...calm };
}
