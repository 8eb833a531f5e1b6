import type { Failure, FailureKind } from '@sluice/core';
import type { FailedAttempt, Reply } from './adapter.js';
import { providerErrorOf, readProviderError, type ProviderError } from './provider-error.js';
import { retryAfterMsOf, type HeaderMap } from './retry-hint.js';

/** A rule that looks closer than the status. The first that fits wins; without a status, any fits. Source: WIRE.md 2. */
interface Override {
  kind: FailureKind;
  statuses: readonly number[];
  words?: RegExp;
  message?: RegExp;
}

const OVERRIDES: readonly Override[] = [
  {
    kind: 'quota_exhausted',
    statuses: [400, 403, 429],
    words: /^insufficient_quota$|^billing_|^credit_balance_|(?:^|_)(?:spend|usage)_limit(?:_|$)/i,
    message: /credit balance is too low|specified API usage limits/i,
  },
  { kind: 'context_length', statuses: [413], words: /^rate_limit_exceeded$/i },
  // One call over the whole minute's tokens: a 429 that no waiting helps, and that must not cool the deployment for others.
  { kind: 'context_length', statuses: [413, 429], message: /request too large for/i },
  {
    kind: 'context_length',
    statuses: [400, 413, 422, 500],
    words: /^context_length_exceeded$/i,
    message:
      /context (?:length|window|limit)|(?:prompt|input) is too long|too many (?:\w+ )?tokens|token count.*exceeds|exceeds the (?:maximum number|available)|while limit is/i,
  },
  {
    kind: 'content_filter',
    statuses: [400, 403, 422],
    words: /^(?:content_filter|content_policy_violation|ResponsibleAIPolicyViolation)$/i,
    message: /content management policy|content filtering policy|safety system|flagged as potentially violating/i,
  },
  { kind: 'auth', statuses: [400], words: /^(?:API_KEY_INVALID|invalid_api_key|authentication_error)$/i },
  { kind: 'permission', statuses: [400], message: /organization has been disabled/i },
  // Written as a bad request, but the deployment's fault: the next caller's would be as bad.
  { kind: 'not_found', statuses: [400], words: /^(?:model_not_found|DeploymentNotFound|OperationNotSupported)$/i },
  { kind: 'overloaded', statuses: [429], words: /^slow_down$/i },
  { kind: 'overloaded', statuses: [500], words: /overloaded/i, message: /overloaded/i },
];

/** What a type or code says when there is no status: errors inside a stream, or in a reply with status 200. */
const STATUS_OF_WORD: readonly (readonly [RegExp, number])[] = [
  [/^(?:authentication_error|invalid_api_key|AuthenticationError)$/i, 401],
  [/^billing_error$/i, 402],
  [/^(?:permission_error|permission_denied|PermissionDeniedError)$/i, 403],
  [/^(?:not_found_error|model_not_found|DeploymentNotFound|NotFoundError)$/i, 404],
  [/^request_too_large$/i, 413],
  [/^(?:rate_limit_error|rate_limit_exceeded|rate_limited|RateLimitError|too_many_requests)$/i, 429],
  [/^(?:overloaded_error|overloaded|slow_down|service_unavailable|engine_overloaded)$/i, 529],
  [/^timeout_error$/i, 504],
  [/^(?:server_error|api_error|internal_error|internal_server_error|InternalServerError)$/i, 500],
  [/^(?:invalid_request_error|BadRequestError|invalid_prompt|content_filter|context_length_exceeded)$/i, 400],
];

const REQUEST_ID_HEADERS = ['x-request-id', 'request-id', 'apim-request-id', 'x-ms-request-id'] as const;

/** A reply with status >= 300, or one with an error where an answer should be. */
export function failureOfReply(reply: Reply, nowMs: number): Failure {
  const error = providerErrorOf(reply.body.toString('utf8'));
  return failureOf(error, reply.status >= 300 ? reply.status : undefined, reply.headers, nowMs);
}

/** An error inside a stream or in a reply that began with 200; `error` is the parsed body or event. */
export function failureInBand(error: unknown, headers: HeaderMap, nowMs: number): Failure {
  return failureOf(readProviderError(error), undefined, headers, nowMs);
}

function failureOf(error: ProviderError, httpStatus: number | undefined, headers: HeaderMap, nowMs: number): Failure {
  const status = httpStatus ?? error.status ?? statusOfWords(error.words);
  const kind = overrideOf(error, status) ?? kindOfStatus(status ?? 500);
  const failure: Failure = {
    kind,
    message:
      error.message === ''
        ? `The provider answered with ${httpStatus === undefined ? 'an error' : `HTTP ${httpStatus}`}`
        : error.message,
  };
  if (httpStatus !== undefined) failure.status = httpStatus;
  if (error.code !== undefined) failure.code = error.code.slice(0, 100);
  if (error.param !== undefined && kind === 'bad_request') failure.param = error.param.slice(0, 200);
  const requestId = requestIdOf(headers) ?? error.requestId;
  if (requestId !== undefined) failure.requestId = requestId;
  const retryAfterMs = retryAfterMsOf(headers, error.message, nowMs);
  // The head of a stream was written before anything went wrong: its limits do not speak of this error.
  if (retryAfterMs !== undefined && (httpStatus !== undefined || kind === 'rate_limit'))
    failure.retryAfterMs = retryAfterMs;
  return failure;
}

function overrideOf({ words, message }: ProviderError, status: number | undefined): FailureKind | undefined {
  const tooLongString = words.includes('string_above_max_length');
  for (const rule of OVERRIDES) {
    if (status !== undefined && !rule.statuses.includes(status)) continue;
    if (status === undefined && rule.statuses[0] === 413) continue;
    if (tooLongString && rule.kind === 'context_length') continue;
    if (words.some((word) => rule.words?.test(word)) || rule.message?.test(message)) return rule.kind;
  }
  return undefined;
}

function statusOfWords(words: readonly string[]): number | undefined {
  for (const word of words) {
    const known = STATUS_OF_WORD.find(([pattern]) => pattern.test(word));
    if (known !== undefined) return known[1];
  }
  return undefined;
}

/** What a status alone says. */
export function kindOfStatus(status: number): FailureKind {
  if (status < 400 || status === 404 || status === 405) return 'not_found';
  switch (status) {
    case 401:
      return 'auth';
    case 402:
      return 'quota_exhausted';
    case 403:
      return 'permission';
    case 408:
    case 409:
    case 424:
    case 499:
    case 504:
      return 'server';
    case 429:
      return 'rate_limit';
    case 425:
    case 498:
    case 503:
    case 529:
      return 'overloaded';
    default:
      return status < 500 ? 'bad_request' : 'server';
  }
}

export function requestIdOf(headers: HeaderMap): string | undefined {
  for (const name of REQUEST_ID_HEADERS) {
    const value = headers[name];
    if (value !== undefined && value !== '') return value.slice(0, 200);
  }
  return undefined;
}

export const malformed = (message: string, headers: HeaderMap = {}): FailedAttempt => {
  const requestId = requestIdOf(headers);
  return {
    kind: 'failure',
    failure: { kind: 'malformed', message, ...(requestId === undefined ? {} : { requestId }) },
  };
};
