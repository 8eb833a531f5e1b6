import type { IncomingHttpHeaders } from 'node:http';
import type { Tier } from '@sluice/core';
import { DEFAULT_TENANT, type RequestOptions } from '@sluice/pipeline';
import type { AskedBody } from '@sluice/wire';
import { apiError } from './api-error.js';
import { durationMs } from './duration.js';
import { fallbackTarget } from './fallback-target.js';
import { readMock } from './read-mock.js';

const MOST_WAIT_MS = 600_000;
const DAY_MS = 86_400_000;
/** A timer of Node's takes 24.8 days; a longer one fires at once. */
const MOST_DAYS = 24;

export interface CallOptions extends RequestOptions {
  /** The job goes on when its caller leaves. */
  continues: boolean;
}

/**
 * `x-sluice-*` before `x-litellm-*` before the body (API.md 1.3).
 * @param isModel whether a name stands for a model here
 * @param mayMock whether `mock_…` members count for this caller
 * @throws 400 invalid_header, or invalid_request for the body
 */
export function readRequestOptions(
  headers: IncomingHttpHeaders,
  body: AskedBody,
  isModel: (name: string) => boolean,
  mayMock: boolean,
): CallOptions {
  return {
    waitMs: waitMs(headers['prefer']),
    timeoutMs:
      duration(headers, 'x-sluice-timeout') ?? duration(headers, 'x-litellm-timeout') ?? bodySeconds(body, 'timeout'),
    streamTimeoutMs:
      duration(headers, 'x-sluice-stream-timeout') ??
      duration(headers, 'x-litellm-stream-timeout') ??
      bodySeconds(body, 'stream_timeout'),
    deadlineMs: duration(headers, 'x-sluice-deadline'),
    queueTtlMs: duration(headers, 'x-sluice-queue-ttl'),
    maxAttempts: maxAttempts(headers, body),
    fallbacks: fallbacks(headers, body, isModel),
    mock: readMock(body, mayMock),
    tags: tags(headers, body),
    region: region(body),
    rejectWhenFull: choice(headers, 'x-sluice-when-full', ['queue', 'reject']) === 'reject',
    tenant: tenantOf(headers),
    tier: tier(headers, body),
    session: session(headers, body),
    continues: continues(headers),
  };
}

/** What a caller of a native route prefers; `respond-async` outranks a wait. @throws 400 invalid_header */
export const preferenceOf = (headers: IncomingHttpHeaders): { waitMs: number | undefined; isAsync: boolean } => ({
  waitMs: waitMs(headers['prefer']),
  isAsync: /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(String(headers['prefer'] ?? '')),
});

/** `Prefer: wait=N`, seconds; other preferences are none of ours. */
function waitMs(header: string | string[] | undefined): number | undefined {
  const wait = /(?:^|[,;\s])wait=("?)(\d+(?:\.\d+)?)\1/i.exec(String(header ?? ''));
  if (wait === null) {
    if (/(?:^|[,;\s])wait\b/i.test(String(header ?? ''))) throw invalidHeader('prefer', 'wait=N with N in seconds');
    return undefined;
  }
  return Math.min(Number(wait[2]) * 1_000, MOST_WAIT_MS);
}

/** Seconds (`30`, `0.5`) or `500ms`, `15m`, `7d`. */
function duration(headers: IncomingHttpHeaders, name: string): number | undefined {
  const text = single(headers, name);
  if (text === undefined) return undefined;
  const ms = durationMs(text) ?? 0;
  if (ms > 0 && ms <= MOST_DAYS * DAY_MS) return ms;
  throw invalidHeader(name, `seconds or a duration like 500ms, 15m, 7d, above 0 and at most ${MOST_DAYS}d`);
}

function bodySeconds(body: AskedBody, member: string): number | undefined {
  const value = body[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && value > 0 && value * 1_000 <= MOST_DAYS * DAY_MS) return value * 1_000;
  throw apiError(
    'invalid_request',
    `${member} must be a number of seconds, above 0 and at most ${MOST_DAYS} days.`,
    member,
  );
}

function maxAttempts(headers: IncomingHttpHeaders, body: AskedBody): number | undefined {
  const asked = wholeNumber(single(headers, 'x-sluice-max-attempts'), 'x-sluice-max-attempts', 1, 20);
  if (asked !== undefined) return asked;
  const retries = wholeNumber(single(headers, 'x-litellm-num-retries'), 'x-litellm-num-retries', 0, 19);
  if (retries !== undefined) return retries + 1;
  const inBody = body['num_retries'];
  if (inBody === undefined || inBody === null) return undefined;
  if (Number.isInteger(inBody) && (inBody as number) >= 0 && (inBody as number) <= 19) return (inBody as number) + 1;
  throw apiError('invalid_request', 'num_retries must be a whole number from 0 to 19.', 'num_retries');
}

function fallbacks(
  headers: IncomingHttpHeaders,
  body: AskedBody,
  isModel: (name: string) => boolean,
): readonly string[] | undefined {
  const header = single(headers, 'x-sluice-fallbacks');
  if (header === 'none') return [];
  if (header !== undefined) {
    const names = namesOf(header);
    if (names.length > 0 && names.length <= MOST_FALLBACKS && names.every(isModel)) return names;
    throw invalidHeader('x-sluice-fallbacks', `none, or ${FALLBACKS} with commas between them`);
  }
  const isOff = body['disable_fallbacks'];
  if (isOff !== undefined && isOff !== null && typeof isOff !== 'boolean') {
    throw apiError('invalid_request', 'disable_fallbacks must be true or false.', 'disable_fallbacks');
  }
  if (isOff === true) return [];
  const inBody = body['fallbacks'];
  if (inBody === undefined || inBody === null) return undefined;
  if (!Array.isArray(inBody) || inBody.length > MOST_FALLBACKS) {
    throw apiError('invalid_request', `fallbacks must be an array of ${FALLBACKS}.`, 'fallbacks');
  }
  return inBody.map((entry: unknown, i) => fallbackTarget(entry, i, isModel));
}

/** LiteLLM's names for it: `x-litellm-session-id`, `litellm_session_id`, `metadata.session_id`; the first of them. */
function session(headers: IncomingHttpHeaders, body: AskedBody): string | undefined {
  const metadata = body['metadata'] as { session_id?: unknown } | null | undefined;
  const inBody = body['litellm_session_id'] ?? (typeof metadata === 'object' ? metadata?.session_id : undefined);
  return single(headers, 'x-litellm-session-id') ?? (typeof inBody === 'string' && inBody !== '' ? inBody : undefined);
}

/** With a key the caller means to come back. */
function continues(headers: IncomingHttpHeaders): boolean {
  const asked = choice(headers, 'x-sluice-on-disconnect', ['cancel', 'continue']);
  return asked === undefined ? headers['idempotency-key'] !== undefined : asked === 'continue';
}

const MOST_TAGS = 50;

/** `x-sluice-tags`, `x-litellm-tags`, `tags`, `metadata.tags`: the first of them. */
function tags(headers: IncomingHttpHeaders, body: AskedBody): readonly string[] {
  for (const name of ['x-sluice-tags', 'x-litellm-tags']) {
    const header = single(headers, name);
    if (header === undefined) continue;
    const names = namesOf(header);
    if (names.length <= MOST_TAGS && names.every(isTag)) return names;
    throw invalidHeader(name, `at most ${MOST_TAGS} tags with commas between them`);
  }
  const metadata = body['metadata'] as { tags?: unknown } | null | undefined;
  const inBody = body['tags'] ?? (typeof metadata === 'object' ? metadata?.tags : undefined);
  if (inBody === undefined || inBody === null) return NO_TAGS;
  if (Array.isArray(inBody) && inBody.length <= MOST_TAGS && inBody.every(isTag)) return inBody;
  throw apiError('invalid_request', `tags must be an array of at most ${MOST_TAGS} strings.`, 'tags');
}

const NO_TAGS: readonly string[] = [];
const isTag = (tag: unknown): tag is string => typeof tag === 'string' && tag !== '' && tag.length <= 200;

function region(body: AskedBody): string | undefined {
  const value = body['allowed_model_region'];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw apiError('invalid_request', 'allowed_model_region must be the name of a region.', 'allowed_model_region');
}

const MOST_FALLBACKS = 20;
const FALLBACKS = `at most ${MOST_FALLBACKS} names of models that are configured here`;

const namesOf = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** The master key acts as whom it says: other keys, when there are such, are tenants themselves. */
export function tenantOf(headers: IncomingHttpHeaders): string {
  const name = single(headers, 'x-sluice-tenant') ?? DEFAULT_TENANT;
  if (/^[\x21-\x7e]{1,128}$/.test(name)) return name;
  throw invalidHeader('x-sluice-tenant', '1 to 128 printable ASCII characters without spaces');
}

const TIERS = ['high', 'normal', 'low'] as const;

/** `service_tier` is also the provider's, and goes on to it. */
function tier(headers: IncomingHttpHeaders, body: AskedBody): Tier {
  const header = choice(headers, 'x-sluice-priority', TIERS);
  if (header !== undefined) return header;
  const { priority, service_tier: service } = body;
  if (priority === undefined || priority === null) {
    return service === 'priority' || service === 'fast' ? 'high' : service === 'flex' ? 'low' : 'normal';
  }
  const asked = Number.isInteger(priority) ? TIERS[Math.min(priority as number, 2)] : TIERS.find((t) => t === priority);
  if (asked !== undefined) return asked;
  throw apiError('invalid_request', 'priority must be high, normal or low, or a number: 0, 1, 2 or more.', 'priority');
}

function wholeNumber(text: string | undefined, name: string, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidHeader(name, `a whole number from ${min} to ${max}`);
}

function choice<Word extends string>(
  headers: IncomingHttpHeaders,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = single(headers, name);
  if (text === undefined) return undefined;
  const word = words.find((w) => w === text);
  if (word === undefined) throw invalidHeader(name, `one of ${words.join(', ')}`);
  return word;
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const invalidHeader = (name: string, expected: string): Error =>
  apiError('invalid_header', `${name} must be ${expected}.`, name);
