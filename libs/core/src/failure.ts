/**
 * What can go wrong with one attempt, as values. Adapters make them, the pipeline acts on them: what each kind leads to
 * is in the table below and nowhere else. What a caller then sees is the code's row in `wire/errors.ts`.
 */
export interface Failure {
  kind: FailureKind;
  /** For people; at most 500 characters, keys masked, never a prompt. */
  message: string;
  /** The provider's HTTP status; absent for network errors and failures inside a stream. */
  status?: number;
  /** The provider's own error code, as it wrote it. */
  code?: string;
  /** The parameter that the provider named, for `bad_request`. */
  param?: string;
  /** The provider's request id. */
  requestId?: string;
  /** How long the provider asks us to wait, 0..24 h; absent when it does not say. */
  retryAfterMs?: number;
  /** `stream_broken`, `timeout`, …: content deltas that had come before. Absent: before the first. */
  afterTokens?: number;
  /** `timeout` only: which clock ran out. */
  phase?: TimeoutPhase;
}

export type FailureKind =
  | 'client_gone'
  | 'cancelled'
  | 'deadline'
  | 'bad_request'
  | 'auth'
  | 'permission'
  | 'not_found'
  | 'context_length'
  | 'content_filter'
  | 'rate_limit'
  | 'quota_exhausted'
  | 'overloaded'
  | 'server'
  | 'timeout'
  | 'network'
  | 'stream_broken'
  | 'malformed'
  /** It was to go on with a broken answer, and said something else than what was delivered. */
  | 'departed';

export type TimeoutPhase = 'connect' | 'first_token' | 'idle' | 'total';

export interface Consequence {
  /** May this job ask another deployment of the group? `other_model`: only one with another model behind it. */
  another: 'no' | 'yes' | 'other_model';
  /** May this job ask the same deployment again? `if_alone`: when no other is eligible, `after_backoff`: likewise, and it waits first. */
  same: 'no' | 'if_alone' | 'after_backoff';
  /** Which fallback list is asked when the group is spent. `context_window` falls back to the general one. */
  fallback: 'none' | 'general' | 'context_window' | 'content_policy';
  /** Counts for `allowed_fails` and the breaker. */
  countsAgainstBreaker: boolean;
  /** What becomes of the deployment at once. `cools`: until the retry hint; `out`: five minutes, whatever the rest. */
  shuts: 'nothing' | 'cools' | 'out';
  /** Uses one of the job's attempts. */
  usesAttempt: boolean;
  /** Error code that the caller sees when this failure is final (`wire/errors.ts`). */
  code: string;
}

const END = {
  another: 'no',
  same: 'no',
  fallback: 'none',
  countsAgainstBreaker: false,
  shuts: 'nothing',
  usesAttempt: true,
} as const;
const OUT = {
  another: 'yes',
  same: 'no',
  fallback: 'general',
  countsAgainstBreaker: false,
  shuts: 'out',
  usesAttempt: true,
} as const;
const FAULT = {
  another: 'yes',
  same: 'after_backoff',
  fallback: 'general',
  countsAgainstBreaker: true,
  shuts: 'nothing',
  usesAttempt: true,
} as const;

const CONSEQUENCES: Record<FailureKind, Consequence> = {
  client_gone: { ...END, code: 'job_cancelled' },
  cancelled: { ...END, code: 'job_cancelled' },
  deadline: { ...END, code: 'deadline_exceeded' },
  bad_request: { ...END, code: 'invalid_request' },
  auth: { ...OUT, code: 'provider_auth' },
  permission: { ...OUT, code: 'provider_auth' },
  not_found: { ...OUT, code: 'provider_model_not_found' },
  quota_exhausted: { ...OUT, code: 'insufficient_quota' },
  context_length: { ...END, another: 'other_model', fallback: 'context_window', code: 'context_length_exceeded' },
  content_filter: { ...END, fallback: 'content_policy', code: 'content_filter' },
  rate_limit: { ...OUT, same: 'if_alone', shuts: 'cools', usesAttempt: false, code: 'no_capacity' },
  overloaded: { ...FAULT, code: 'provider_overloaded' },
  server: { ...FAULT, code: 'provider_error' },
  timeout: { ...FAULT, same: 'if_alone', code: 'provider_timeout' },
  network: { ...FAULT, code: 'provider_unreachable' },
  stream_broken: { ...FAULT, code: 'upstream_interrupted' },
  malformed: { ...FAULT, code: 'provider_malformed' },
  departed: { ...END, code: 'upstream_interrupted' },
};

/** A failure with a retry hint cools its deployment even where its kind alone would not. Source: LITELLM.md 4. */
export function consequenceOf(failure: Pick<Failure, 'kind' | 'retryAfterMs'>): Consequence {
  const consequence = CONSEQUENCES[failure.kind];
  const cools =
    consequence.shuts === 'nothing' && consequence.countsAgainstBreaker && failure.retryAfterMs !== undefined;
  return cools ? { ...consequence, shuts: 'cools' } : consequence;
}
