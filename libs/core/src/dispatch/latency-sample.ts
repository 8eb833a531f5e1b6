import type { Strategy } from '../deployment.js';
import type { FailureKind } from '../failure.js';
import type { LeaseNote } from '../leases/lease.js';

/** How an attempt went, as far as its speed is concerned. */
export interface TimedAttempt {
  readonly stream: boolean;
  readonly durationMs: number;
  /** Streams only; absent: none came. */
  readonly firstContentMs: number | undefined;
  /** Absent: not known. */
  readonly completionTokens: number | undefined;
  /** Absent: it was answered. */
  readonly failure: FailureKind | undefined;
}

/**
 * What latency-based routing remembers of an attempt: of a stream the time to its first token, of another call the time per
 * output token. A timeout counts as the limit that ran out, which is how long it took; other failures say nothing of speed.
 */
export function latencySampleOf(attempt: TimedAttempt, strategy: Strategy): LeaseNote | undefined {
  if (strategy.name !== 'latency-based-routing') return undefined;
  if (attempt.failure !== undefined && attempt.failure !== 'timeout') return undefined;
  const { stream, durationMs, firstContentMs, completionTokens, failure } = attempt;
  const tokens = failure === undefined ? Math.max(1, completionTokens ?? 1) : 1;
  return {
    kind: 'sample',
    of: stream ? 'firstTokenMs' : 'msPerToken',
    ms: stream ? (firstContentMs ?? durationMs) : durationMs / tokens,
    keep: strategy.samples,
    ttlMs: strategy.ttlMs,
  };
}
