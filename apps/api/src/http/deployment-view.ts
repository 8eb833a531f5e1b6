import type { Deployment, DeploymentStatus } from '@sluice/core';

/** API.md 7. Times in Unix seconds; null: none, or not known. */
export interface DeploymentView {
  id: string;
  object: 'deployment';
  group: string;
  provider: string;
  model: string;
  order: number;
  weight: number | null;
  tags: readonly string[];
  region: string | null;
  status: 'ready' | 'full' | 'cooling' | 'open' | 'half_open' | 'disabled';
  /** Why it takes no calls at all. */
  disabled_reason: string | null;
  cooldown: { until: number; reason: string } | null;
  breaker: {
    state: DeploymentStatus['breaker'];
    failures: number;
    reason: string | null;
    next_probe_at: number | null;
  };
  /** `used` of a minute is counted where there is a limit. */
  limits: { rpm: Limit; tpm: Limit; parallel: Limit };
  max_input_tokens: number | null;
  max_output_tokens: number | null;
}

interface Limit {
  limit: number | null;
  used: number;
}

/** Nothing of where it is and with what key: that is the configuration's. */
export function deploymentView(
  deployment: Deployment,
  status: DeploymentStatus | undefined,
  nowMs: number,
): DeploymentView {
  const { id, group, provider, model, order, weight, tags, region, disabled, rpm, tpm, maxParallel, limits } =
    deployment;
  const { coolingUntilMs = 0, coolingReason = '', breaker = 'closed', openUntilMs = 0, openReason = '' } = status ?? {};
  const { failures = 0, inFlight = 0, requests = 0, tokens = 0 } = status ?? {};
  const isCooling = coolingUntilMs > nowMs;
  const isFull = inFlight >= (maxParallel ?? Infinity) || requests >= (rpm ?? Infinity) || tokens >= (tpm ?? Infinity);
  const shut = breaker === 'closed' ? (isFull ? 'full' : 'ready') : breaker;
  return {
    id,
    object: 'deployment',
    group,
    provider,
    model,
    order,
    weight: weight ?? null,
    tags,
    region: region ?? null,
    status: disabled !== undefined ? 'disabled' : isCooling ? 'cooling' : shut,
    disabled_reason: disabled ?? null,
    cooldown: isCooling ? { until: Math.ceil(coolingUntilMs / 1_000), reason: coolingReason } : null,
    breaker: {
      state: breaker,
      failures,
      reason: breaker === 'closed' ? null : openReason,
      next_probe_at: breaker === 'open' ? Math.ceil(openUntilMs / 1_000) : null,
    },
    limits: {
      rpm: { limit: rpm ?? null, used: requests },
      tpm: { limit: tpm ?? null, used: tokens },
      parallel: { limit: maxParallel ?? null, used: inFlight },
    },
    max_input_tokens: limits.maxInputTokens ?? null,
    max_output_tokens: limits.maxOutputTokens ?? null,
  };
}
