import type { AllowedFailsPolicy } from '../deployment.js';

/**
 * Words of the leases: what is asked for, what is held, how it ends. Two stand behind them, the Redis scripts of
 * `libs/state` and their twin in this folder. Times are Unix ms of the Redis server, 0 = none or not known.
 */
export interface LeaseAsk {
  /** The candidates' home group: all of them stand in it, whoever calls. */
  readonly group: string;
  /** Unique for each attempt. */
  readonly leaseId: string;
  /** Inside one `order` tier: the first that is free, or of those that are free the one with the fewest in flight, or the least used share of its minute. */
  readonly strategy: 'in-order' | 'least-busy' | 'least-used';
  /** Reserved until the lease is settled with what was used. */
  readonly tokens: number;
  /** In the order of preference. Tiers (lower `order` first) go before it. */
  readonly candidates: readonly LeaseCandidate[];
  /** When all candidates are open or cooling, each open one may be probed this long after its last probe, before its time; 0: not. */
  readonly probeEveryWhenAllOpenMs: number;
}

export interface LeaseCandidate {
  readonly id: string;
  readonly order: number;
  /** Per minute in the cluster; 0: no limit. */
  readonly rpm: number;
  readonly tpm: number;
  /** At a time in the cluster; 0: no limit. */
  readonly maxParallel: number;
}

/** A claim on a deployment's capacity. Plain data: it is all that settling it needs. */
export interface HeldLease {
  readonly group: string;
  readonly deploymentId: string;
  readonly leaseId: string;
  /** The one call that decides whether an open breaker closes. Its failure uses none of the job's attempts. */
  readonly isProbe: boolean;
  readonly takenAtMs: number;
  /** Reserved tokens. */
  readonly tokens: number;
  /** Whether its use is counted: when the deployment has a limit per minute, or the strategy goes by it. */
  readonly isCounted: boolean;
  /** In the cluster when it was taken, this one among them. */
  readonly inFlight: number;
  /** The provider's own word on what is left was in force when it was taken: what its answer says replaces that. */
  readonly isRationed: boolean;
}

/** How much a provider will still take before a time, by its own word. Absent: it takes enough. */
export interface LimitWord {
  readonly requests?: { readonly left: number; readonly untilMs: number };
  readonly tokens?: { readonly left: number; readonly untilMs: number };
}

export interface LeaseTaken {
  readonly taken: true;
  readonly lease: HeldLease;
  readonly nowMs: number;
}

export interface LeaseRefused {
  readonly taken: false;
  /** One for each candidate, in the order of the ask. */
  readonly refusals: readonly LeaseRefusal[];
  readonly nowMs: number;
}

/** `breaker_open`: until its time; `probing`: the one probe is under way; the last three: full. */
export type RefusalVerdict = 'cooling' | 'breaker_open' | 'probing' | 'parallel' | 'rpm' | 'tpm';

export interface LeaseRefusal {
  readonly deploymentId: string;
  /** `budget`: money is spent until then; nobody asks the script for that. */
  readonly verdict: RefusalVerdict | 'budget';
  /** The earliest time at which it could be free; 0: when another call ends. */
  readonly untilMs: number;
}

/**
 * How a call ended, as far as its deployment is concerned. `tokens`: really used; absent: what was reserved stays. `said`:
 * the provider's word on its limits; `plenty` lifts an earlier one, `enough` only tells that it has counted this call.
 */
export type LeaseOutcome = {
  readonly tokens?: number;
  readonly said?: LimitWord | 'plenty' | 'enough';
  readonly rules: BreakerRules;
  readonly notes?: readonly LeaseNote[];
} & (
  | { readonly kind: 'succeeded' }
  /** Counts against the breaker; with a retry hint it cools too. `tripped`: the local circuit went open by it. */
  | { readonly kind: 'failed'; readonly reason: string; readonly tripped?: boolean; readonly retryAfterMs?: number }
  /** A 429. Without a hint it cools for the cooldown time. */
  | { readonly kind: 'cools'; readonly reason: string; readonly retryAfterMs?: number }
  /** Key, permission, quota or model are wrong: open for five minutes. */
  | { readonly kind: 'out'; readonly reason: string }
  /** Says nothing about the deployment: client gone, cancelled, bad request. A probe is given back. */
  | { readonly kind: 'neutral' }
  /** Like `neutral`, and the provider was never called: the request and all tokens are given back. */
  | { readonly kind: 'unused' }
);

/** What strategies and budgets want remembered of a call: counted with the settle, and as it once. */
export type LeaseNote =
  /** Added to the last `keep` samples of its sort, which are forgotten `ttlMs` after the last one. */
  | {
      readonly kind: 'sample';
      readonly of: 'firstTokenMs' | 'msPerToken';
      readonly ms: number;
      readonly keep: number;
      readonly ttlMs: number;
    }
  /** Added to what a budget's window has cost; `endMs` Infinity: it is never reset. */
  | {
      readonly kind: 'spend';
      readonly budget: string;
      readonly startMs: number;
      readonly endMs: number;
      readonly usdNanos: number;
    };

/** One deployment's share of the routing policy, for one outcome. */
export interface BreakerRules {
  /** More than this many failures within 60 s open the breaker; absent: more than 3 in a row, or the local circuit. */
  readonly allowedFails: number | undefined;
  /** `allowed_fails_policy` names the failure's class: it counts with its like only. */
  readonly countsAs?: keyof AllowedFailsPolicy;
  /** Absent: 5,000, and doubled up to 15,000 while the first call back fails. 0: neither cooldown nor breaker. */
  readonly cooldownMs: number | undefined;
  readonly disableCooldowns: boolean;
}

export interface SettledLease {
  /** `open` until a probe succeeds, also after its time; an open one that cools as well is `open`. */
  readonly stateAfter: 'closed' | 'open' | 'cooling';
  /** When calls (or the probe) may go there again. */
  readonly untilMs: number;
  readonly wasProbe: boolean;
  /** What this outcome changed, for events and alerts. One that is out already is not opened again by another call's. */
  readonly changed: 'opened' | 'closed' | 'cooled' | 'nothing';
}

export interface DeploymentStatus {
  readonly deploymentId: string;
  /** 0: not cooling. */
  readonly coolingUntilMs: number;
  readonly coolingReason: string;
  readonly breaker: 'closed' | 'open' | 'half_open';
  /** 0: closed. */
  readonly openUntilMs: number;
  readonly openReason: string;
  /** In a row, since the last success; without those that `allowed_fails_policy` counts apart. */
  readonly failures: number;
  readonly inFlight: number;
  /** In the sliding minute; 0 for a deployment without limits per minute. */
  readonly requests: number;
  readonly tokens: number;
}

/** A lease that is not renewed ends after this. Worker beats renew every 2 s. */
export const LEASE_MS = 15_000;
