import type { Deployment, RoutingPolicy } from '../deployment.js';

const FIRST_TOKEN_MS = 60_000;

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
  asked: { timeoutMs: number | undefined; streamTimeoutMs: number | undefined },
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
