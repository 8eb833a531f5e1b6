import {
  deploymentState,
  inFlightOf,
  saidOf,
  type DeploymentState,
  type LeaseState,
  type Ration,
} from './deployment-state.js';
import {
  LEASE_MS,
  type BreakerRules,
  type HeldLease,
  type LeaseOutcome,
  type LimitWord,
  type SettledLease,
} from './lease.js';

const IN_A_ROW = 3;
const FAILS_WINDOW_MS = 60_000;
const OUT_MS = 300_000;
const COOLDOWN_MS = 5_000;
const LONGEST_COOLDOWN_MS = 15_000;
const LONGEST_HINT_MS = 24 * 3_600_000;
/** A longer reset is mostly that of a full bucket, which has room for a call much sooner; a 429 would say when. */
const LONGEST_SAID_MS = 60_000;

/**
 * What the end of a call means for its deployment: tokens, cooldown, breaker. Once per lease, however often it is said. The
 * twin of `libs/state/src/redis/scripts/settle-lease.lua`, where the states of the breaker are drawn.
 */
export function settleLease(state: LeaseState, lease: HeldLease, outcome: LeaseOutcome, nowMs: number): SettledLease {
  const deployment = deploymentState(state, lease.deploymentId);
  if (!deployment.slots.delete(lease.leaseId)) return settled(deployment, false, 'nothing', nowMs);

  const wasProbe = deployment.probe === lease.leaseId;
  if (wasProbe) deployment.probe = undefined;
  if (lease.isCounted) correctUse(deployment, lease, outcome);
  if (outcome.said !== undefined) hear(deployment, lease, outcome.said, nowMs);
  return settled(deployment, wasProbe, apply(deployment, outcome, wasProbe, nowMs), nowMs);
}

/** The worker's beat. Also brings back a lease that was lost. */
export function renewLeases(state: LeaseState, leases: Iterable<HeldLease>, nowMs: number): void {
  for (const { deploymentId, leaseId } of leases) {
    deploymentState(state, deploymentId).slots.set(leaseId, nowMs + LEASE_MS);
  }
}

function apply(
  deployment: DeploymentState,
  outcome: LeaseOutcome,
  wasProbe: boolean,
  nowMs: number,
): SettledLease['changed'] {
  const { kind, rules } = outcome;
  if (kind === 'neutral' || kind === 'unused') return 'nothing';
  if (kind === 'succeeded') {
    deployment.failures = 0;
    return wasProbe ? close(deployment) : 'nothing';
  }
  // Settings that never shut a deployment may have changed while it was open.
  if (rules.disableCooldowns || rules.cooldownMs === 0) return wasProbe ? close(deployment) : 'nothing';

  const { reason } = outcome;
  switch (kind) {
    case 'out': {
      const isOutAlready = deployment.isOut && deployment.openUntilMs > nowMs && !wasProbe;
      open(deployment, OUT_MS, reason, true, nowMs);
      return isOutAlready ? 'nothing' : 'opened';
    }
    case 'cools':
      return cool(deployment, hintOf(outcome) ?? rules.cooldownMs ?? COOLDOWN_MS, reason, nowMs);
    case 'failed': {
      const isOpen = deployment.openUntilMs > 0;
      const opens = wasProbe || (!isOpen && isOneTooMany(deployment, rules, outcome.tripped === true, nowMs));
      if (opens) open(deployment, cooldownOf(deployment, rules), reason, false, nowMs);
      if (opens) deployment.trips++;
      const changed = cool(deployment, hintOf(outcome) ?? 0, reason, nowMs);
      return opens ? 'opened' : changed;
    }
  }
}

/** A set `allowed_fails` is the one rule; unset, failures in a row and the local circuit's error rate are. */
function isOneTooMany(deployment: DeploymentState, rules: BreakerRules, tripped: boolean, nowMs: number): boolean {
  if (rules.countsAs === undefined) deployment.failures++;
  if (rules.allowedFails === undefined) return deployment.failures > IN_A_ROW || tripped;
  const like = rules.countsAs ?? '';
  const before = deployment.failedAtMs.get(like) ?? [];
  const failedAtMs = [...before, nowMs].filter((at) => at > nowMs - FAILS_WINDOW_MS);
  deployment.failedAtMs.set(like, failedAtMs);
  return failedAtMs.length > rules.allowedFails;
}

function cooldownOf({ trips }: DeploymentState, { cooldownMs }: BreakerRules): number {
  return cooldownMs ?? Math.min(COOLDOWN_MS * 2 ** trips, LONGEST_COOLDOWN_MS);
}

function open(deployment: DeploymentState, ms: number, reason: string, isOut: boolean, nowMs: number): 'opened' {
  if (isOut) deployment.isOut = true;
  else if (nowMs >= deployment.openUntilMs) deployment.isOut = false;
  const openUntilMs = Math.max(deployment.openUntilMs, nowMs + ms);
  Object.assign(deployment, { openUntilMs, openReason: reason, openedAtMs: nowMs, failures: 0 });
  deployment.failedAtMs.clear();
  return 'opened';
}

function close(deployment: DeploymentState): 'closed' {
  Object.assign(deployment, { openUntilMs: 0, openReason: '', openedAtMs: 0, probedAtMs: 0, isOut: false });
  Object.assign(deployment, { trips: 0, failures: 0 });
  deployment.failedAtMs.clear();
  return 'closed';
}

/** A provider's header may say anything. */
function hintOf({ retryAfterMs }: { retryAfterMs?: number }): number | undefined {
  return retryAfterMs === undefined ? undefined : Math.min(Math.max(retryAfterMs, 0), LONGEST_HINT_MS);
}

/** Never shortens a cooldown. */
function cool(deployment: DeploymentState, ms: number, reason: string, nowMs: number): 'cooled' | 'nothing' {
  if (nowMs + ms <= Math.max(deployment.coolUntilMs, nowMs)) return 'nothing';
  Object.assign(deployment, { coolUntilMs: nowMs + ms, coolReason: reason });
  return 'cooled';
}

/**
 * The word of the call that began last counts. What is in flight is taken off: the provider may not have seen it when it
 * spoke. If it had, the answer of that call says so, and it is given back.
 */
function hear(
  deployment: DeploymentState,
  lease: HeldLease,
  word: LimitWord | 'plenty' | 'enough',
  nowMs: number,
): void {
  const inForce = saidOf(deployment, nowMs);
  if (inForce !== undefined && inForce.byLeaseAtMs > lease.takenAtMs) return giveBack(inForce, word);
  if (word === 'enough') return;
  if (word === 'plenty') {
    deployment.said = undefined;
    return;
  }
  const others = inFlightOf(deployment, nowMs);
  const kept = (said: number, untilMs: number, each: number) => {
    const told = Math.max(0, Math.floor(said));
    return { told, left: told - others * each, untilMs: Math.min(Math.floor(untilMs), nowMs + LONGEST_SAID_MS) };
  };
  deployment.said = {
    byLeaseAtMs: lease.takenAtMs,
    tokensEach: lease.tokens,
    ...(word.requests && { requests: kept(word.requests.left, word.requests.untilMs, 1) }),
    ...(word.tokens && { tokens: kept(word.tokens.left, word.tokens.untilMs, lease.tokens) }),
  };
}

/** To an earlier call the provider said that more was left: so it had counted that one when it gave the word in force. */
function giveBack({ requests, tokens, tokensEach }: Ration, word: LimitWord | 'plenty' | 'enough'): void {
  const earlier = typeof word === 'string' ? {} : word;
  if (requests && (earlier.requests?.left ?? Infinity) > requests.told) requests.left++;
  if (tokens && (earlier.tokens?.left ?? Infinity) > tokens.told) tokens.left += tokensEach;
}

function correctUse({ use }: DeploymentState, lease: HeldLease, outcome: LeaseOutcome): void {
  const bucket = use.get(Math.floor(lease.takenAtMs / 1_000));
  if (!bucket) return;
  const used = outcome.kind === 'unused' ? 0 : (outcome.tokens ?? lease.tokens);
  bucket.tokens = Math.max(0, bucket.tokens + used - lease.tokens);
  if (outcome.kind === 'unused') bucket.requests = Math.max(0, bucket.requests - 1);
}

function settled(
  { openUntilMs, coolUntilMs }: DeploymentState,
  wasProbe: boolean,
  changed: SettledLease['changed'],
  nowMs: number,
): SettledLease {
  const stateAfter = openUntilMs > 0 ? 'open' : coolUntilMs > nowMs ? 'cooling' : 'closed';
  return { stateAfter, untilMs: stateAfter === 'closed' ? 0 : Math.max(openUntilMs, coolUntilMs), wasProbe, changed };
}
