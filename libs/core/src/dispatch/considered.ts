import type { LeaseRefusal } from '../leases/lease.js';

/**
 * Why a deployment was asked, could have been, or was left out: by whoever decided it (filters, lease script, strategy).
 * Kept with each failed attempt and shown by `GET /v1/deployments/explain`. Words of API.md 7.
 */
export interface Considered {
  deployment: string;
  verdict: 'chosen' | 'eligible' | 'skipped';
  /** Absent: nothing speaks against it. */
  reason?: SkipReason;
  /** When that ends, Unix ms; absent: not known. */
  untilMs?: number;
  /** How often it is asked first, 0..1; known in a dry run only. */
  share?: number;
  /** What the strategy weighed it by. */
  measure?: Measure;
}

export type SkipReason =
  | LeaseRefusal['verdict']
  | 'context_window'
  | 'tag'
  | 'region'
  | 'capability'
  | 'already_failed'
  | 'disabled'
  /** A lower `order` tier has somebody. */
  | 'lower_order'
  /** The strategy preferred another. */
  | 'not_picked';

/** Absent value: the strategy knew nothing of this one. */
export interface Measure {
  by: 'weight' | 'in_flight' | 'first_token_ms' | 'ms_per_token' | 'cost_usd' | 'used_share';
  value?: number;
}
