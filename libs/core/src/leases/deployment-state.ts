import type { DeploymentStatus } from './lease.js';

/** What the cluster knows of one deployment; in Redis a hash, a sorted set, another hash and a list. Unix ms. */
export interface DeploymentState {
  /** 0 or past: not cooling. */
  coolUntilMs: number;
  coolReason: string;
  /** 0: closed. Above: open, and once it is past half-open, until a probe succeeds. */
  openUntilMs: number;
  openReason: string;
  openedAtMs: number;
  probedAtMs: number;
  /** Opened by `out`: not probed before its time. */
  isOut: boolean;
  /** Openings since it was last closed. */
  trips: number;
  /** In a row. */
  failures: number;
  /** By class, where `allowed_fails` is set; '' for those that count together. */
  failedAtMs: Map<string, number[]>;
  /** Lease id of the probe. It is as alive as its lease. */
  probe: string | undefined;
  /** Lease id -> expiry. What has run out stays, so that its verdict still counts. */
  slots: Map<string, number>;
  /** The provider's own word on what it will still take, less what was taken since. */
  said: Ration | undefined;
  /** Second -> what was taken in it. */
  use: Map<number, { requests: number; tokens: number }>;
}

/** A provider's word in force. */
export interface Ration {
  /** When the lease of the call was taken that brought it. */
  byLeaseAtMs: number;
  /** What was taken off of `tokens` for each call under way. */
  tokensEach: number;
  requests?: RationLeft;
  tokens?: RationLeft;
}

interface RationLeft {
  left: number;
  untilMs: number;
  /** `left` as the provider said it. */
  told: number;
}

/** By deployment id. `takeLease` and `settleLease` change it in place: it stands for a database. */
export type LeaseState = Map<string, DeploymentState>;

/** 60 s and the running second, so that no 60 s hold more than the limit. */
export const WINDOW_S = 61;
/** That a call may be on its way to the provider longer than a later one: the provider counts arrivals. */
export const ARRIVAL_MS = 500;

export function deploymentState(state: LeaseState, id: string): DeploymentState {
  let deployment = state.get(id);
  if (!deployment) {
    deployment = {
      coolUntilMs: 0,
      coolReason: '',
      openUntilMs: 0,
      openReason: '',
      openedAtMs: 0,
      probedAtMs: 0,
      isOut: false,
      trips: 0,
      failures: 0,
      failedAtMs: new Map(),
      probe: undefined,
      said: undefined,
      slots: new Map(),
      use: new Map(),
    };
    state.set(id, deployment);
  }
  return deployment;
}

export function inFlightOf({ slots }: DeploymentState, nowMs: number): number {
  return [...slots.values()].filter((expiresAtMs) => expiresAtMs > nowMs).length;
}

/** What is still in force of the provider's word. */
export function saidOf({ said }: DeploymentState, nowMs: number): DeploymentState['said'] {
  const requests = said?.requests && said.requests.untilMs > nowMs ? said.requests : undefined;
  const tokens = said?.tokens && said.tokens.untilMs > nowMs ? said.tokens : undefined;
  if (requests === undefined && tokens === undefined) return undefined;
  const { byLeaseAtMs, tokensEach } = said!;
  return { byLeaseAtMs, tokensEach, ...(requests && { requests }), ...(tokens && { tokens }) };
}

/** What counts against the limits of a minute that ends at `atMs`. */
export function useOf({ use }: DeploymentState, atMs: number): { requests: number; tokens: number } {
  const first = Math.floor((atMs - ARRIVAL_MS) / 1_000) - WINDOW_S + 1;
  const sum = { requests: 0, tokens: 0 };
  for (const [second, { requests, tokens }] of use) {
    if (second < first) continue;
    sum.requests += requests;
    sum.tokens += tokens;
  }
  return sum;
}

export function statusOf(state: LeaseState, deploymentId: string, nowMs: number): DeploymentStatus {
  const deployment = deploymentState(state, deploymentId);
  const isCooling = deployment.coolUntilMs > nowMs;
  const { openUntilMs } = deployment;
  return {
    deploymentId,
    coolingUntilMs: isCooling ? deployment.coolUntilMs : 0,
    coolingReason: isCooling ? deployment.coolReason : '',
    breaker: openUntilMs === 0 ? 'closed' : openUntilMs > nowMs ? 'open' : 'half_open',
    openUntilMs,
    openReason: deployment.openReason,
    failures: deployment.failures,
    inFlight: inFlightOf(deployment, nowMs),
    ...useOf(deployment, nowMs),
  };
}

/** Ends its cooldown and closes its breaker. Leases and use stay: they are facts. */
export function resetDeployment(state: LeaseState, id: string): void {
  const { slots, use } = deploymentState(state, id);
  state.delete(id);
  Object.assign(deploymentState(state, id), { slots, use });
}
