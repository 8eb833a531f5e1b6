import type { Deployment, RoutingPolicy } from '../deployment.js';
import type { Failure } from '../failure.js';

const FIRST_TOKEN_MS = 60_000;

interface AskedTimeouts {
  timeoutMs: number | undefined;
  streamTimeoutMs: number | undefined;
}

export interface AttemptTimeouts {
  connectMs: number;
  /** Streams only; absent: only the total counts. */
  firstTokenMs: number | undefined;
  idleMs: number;
  totalMs: number;
}

/**
 * Header and body > deployment > router; never past the job's deadline. Without a configured first-token limit a slow
 * deployment is cut off only while another could serve: a model that thinks long is better than none.
 * @param othersCanServe asked only where no limit is configured
 */
export function attemptTimeouts(
  asked: AskedTimeouts,
  deployment: Pick<Deployment, 'timeoutMs' | 'streamTimeoutMs'>,
  policy: RoutingPolicy,
  othersCanServe: () => boolean,
  leftMs: number,
): AttemptTimeouts {
  const configured = asked.streamTimeoutMs ?? deployment.streamTimeoutMs ?? policy.streamTimeoutMs;
  return {
    connectMs: policy.connectTimeoutMs,
    firstTokenMs: configured ?? (othersCanServe() ? FIRST_TOKEN_MS : undefined),
    idleMs: policy.idleTimeoutMs,
    totalMs: Math.max(1, Math.min(asked.timeoutMs ?? deployment.timeoutMs ?? policy.timeoutMs, leftMs)),
  };
}

/**
 * The caller was less patient than the configuration: that says nothing about the deployment, or one caller with
 * `timeout: 0.005` could shut it for everybody.
 */
export function isCallersTimeout(
  { kind, phase }: Pick<Failure, 'kind' | 'phase'>,
  asked: AskedTimeouts,
  deployment: Pick<Deployment, 'timeoutMs' | 'streamTimeoutMs'>,
  policy: Pick<RoutingPolicy, 'timeoutMs' | 'streamTimeoutMs'>,
): boolean {
  if (kind !== 'timeout') return false;
  const isShorter = (own: number | undefined, configured: number): boolean => own !== undefined && own < configured;
  if (phase === 'total') return isShorter(asked.timeoutMs, deployment.timeoutMs ?? policy.timeoutMs);
  const configured = deployment.streamTimeoutMs ?? policy.streamTimeoutMs ?? FIRST_TOKEN_MS;
  return phase === 'first_token' && isShorter(asked.streamTimeoutMs, configured);
}
