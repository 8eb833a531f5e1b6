/**
 * Every error code that a caller can see, with its HTTP status, OpenAI `type`, and whether a client may repeat the call.
 * The codes are API.md 1.5 of the design; `docs/errors.md` is compared with this table both ways.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, type: 'invalid_request_error', retryable: false },
  invalid_header: { status: 400, type: 'invalid_request_error', retryable: false },
  context_length_exceeded: { status: 400, type: 'invalid_request_error', retryable: false },
  content_filter: { status: 400, type: 'invalid_request_error', retryable: false },
  webhook_url_forbidden: { status: 400, type: 'invalid_request_error', retryable: false },
  stream_expired: { status: 400, type: 'invalid_request_error', retryable: false },
  no_matching_tag: { status: 400, type: 'invalid_request_error', retryable: false },
  job_cancelled: { status: 400, type: 'invalid_request_error', retryable: false },
  model_not_found: { status: 404, type: 'invalid_request_error', retryable: false },
  not_found: { status: 404, type: 'invalid_request_error', retryable: false },
  unknown_route: { status: 404, type: 'invalid_request_error', retryable: false },
  result_expired: { status: 410, type: 'invalid_request_error', retryable: false },
  request_too_large: { status: 413, type: 'invalid_request_error', retryable: false },
  idempotency_key_reused: { status: 422, type: 'invalid_request_error', retryable: false },
  missing_api_key: { status: 401, type: 'auth_error', retryable: false },
  invalid_api_key: { status: 401, type: 'token_not_found_in_db', retryable: false },
  route_not_allowed: { status: 403, type: 'permission_error', retryable: false },
  idempotency_in_progress: { status: 409, type: 'conflict_error', retryable: true },
  job_not_terminal: { status: 409, type: 'conflict_error', retryable: false },
  request_not_retained: { status: 409, type: 'conflict_error', retryable: false },
  no_capacity: { status: 429, type: 'rate_limit_error', retryable: true },
  queue_full: { status: 429, type: 'rate_limit_error', retryable: true },
  insufficient_quota: { status: 429, type: 'insufficient_quota', retryable: false },
  internal_error: { status: 500, type: 'api_error', retryable: true },
  worker_crash_loop: { status: 500, type: 'api_error', retryable: false },
  provider_error: { status: 502, type: 'api_error', retryable: true },
  provider_unreachable: { status: 502, type: 'api_error', retryable: true },
  provider_malformed: { status: 502, type: 'api_error', retryable: true },
  upstream_interrupted: { status: 502, type: 'api_error', retryable: true },
  provider_auth: { status: 502, type: 'api_error', retryable: false },
  provider_model_not_found: { status: 502, type: 'api_error', retryable: false },
  storage_unavailable: { status: 503, type: 'service_unavailable', retryable: true },
  storage_full: { status: 503, type: 'service_unavailable', retryable: true },
  no_worker: { status: 503, type: 'service_unavailable', retryable: true },
  no_deployment_available: { status: 503, type: 'service_unavailable', retryable: true },
  provider_overloaded: { status: 503, type: 'service_unavailable', retryable: true },
  shutting_down: { status: 503, type: 'service_unavailable', retryable: true },
  wait_timeout: { status: 504, type: 'timeout_error', retryable: false },
  provider_timeout: { status: 504, type: 'timeout_error', retryable: true },
  deadline_exceeded: { status: 504, type: 'timeout_error', retryable: false },
  queue_ttl_exceeded: { status: 504, type: 'timeout_error', retryable: false },
} as const satisfies Record<string, { status: number; type: string; retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error as its caller sees it. `message` says what was wrong and what would mend it; never a prompt or a key. */
export interface ApiError {
  code: ErrorCode;
  message: string;
  /** The member of the body, or the header, at fault. */
  param?: string;
  /** When to come back; becomes `retry-after` and `retry-after-ms`. */
  retryAfterMs?: number;
  /** A repeat gets the answer of this very call, which goes on: worth while whatever the code says. */
  isJoined?: boolean;
}

/** `{"error":{message,type,param,code,job_id?}}`: the body of every error on the OpenAI and native routes. */
export const errorBody = (error: ApiError, jobId?: string): string =>
  JSON.stringify({ error: errorObject(error, jobId) });

/** What stands under `error`: in bodies, in jobs and in their events. */
export function errorObject({ code, message, param }: ApiError, jobId?: string): ErrorObject {
  const { type } = ERROR_CODES[code];
  return { message, type, param: param ?? null, code, ...(jobId === undefined ? {} : { job_id: jobId }) };
}

export interface ErrorObject {
  message: string;
  type: string;
  param: string | null;
  code: ErrorCode;
  job_id?: string;
}

/** Said with 429 and 503 when nothing better is known, so that no client comes back at once. */
const COMES_BACK_MS = 1_000;
/** Client libraries give up on longer waits and would hammer instead: tell them not to try. */
const LONGEST_SDK_WAIT_MS = 60_000;

/** `x-should-retry` for every error; `retry-after` in whole seconds, rounded up, and `retry-after-ms` where there is one. */
export function errorHeaders({ code, retryAfterMs: known, isJoined = false }: ApiError): Record<string, string> {
  const { status, retryable } = ERROR_CODES[code];
  const retryAfterMs = known ?? (retryable && (status === 429 || status === 503) ? COMES_BACK_MS : undefined);
  const canRetry = (retryable || isJoined) && (retryAfterMs ?? 0) <= LONGEST_SDK_WAIT_MS;
  const headers: Record<string, string> = { 'x-should-retry': String(canRetry) };
  if (retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
    headers['retry-after-ms'] = String(Math.max(1, Math.ceil(retryAfterMs)));
  }
  return headers;
}
