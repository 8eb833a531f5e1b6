import type { Tier } from '@sluice/core';
import type { DurableTraits, RequestOptions } from '@sluice/pipeline';
import { isEndpoint, presentationOf, type Endpoint } from '@sluice/wire';
import { apiError } from '../api-error.js';
import { durationMs } from '../duration.js';

/** A timer of Node's takes 24.8 days; a longer one fires at once. */
const MOST_DAYS = 24;
const MOST_KEPT_DAYS = 30;
const MOST_AHEAD_DAYS = 30;
const DAY_MS = 86_400_000;
const MOST_FALLBACKS = 20;
const MOST_PAIRS = 16;
const MOST_KEY = 64;
const MOST_VALUE = 512;

const MEMBERS = new Set([
  'endpoint',
  'body',
  'priority',
  'queue_ttl',
  'execution_timeout',
  'deadline',
  'max_attempts',
  'fallbacks',
  'metadata',
  'midstream',
  'not_before',
  'webhook',
  'webhook_endpoint_id',
  'retention',
]);

/** What a body of `POST /v1/jobs` says beside the call itself (API.md 4). */
export interface CreateMembers {
  endpoint: Endpoint;
  /** Not looked at yet. */
  body: unknown;
  traits: Omit<DurableTraits, 'kind' | 'endpoint'>;
  options: Partial<
    Pick<RequestOptions, 'tier' | 'queueTtlMs' | 'timeoutMs' | 'deadlineMs' | 'maxAttempts' | 'fallbacks'>
  >;
}

/**
 * @param isModel whether a name stands for a model here
 * @throws 400 invalid_request, naming the member at fault
 */
export function readCreateMembers(
  create: Readonly<Record<string, unknown>>,
  isModel: (name: string) => boolean,
  nowMs: number,
): CreateMembers {
  const unknown = Object.keys(create).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined)
    throw apiError('invalid_request', `There is no member "${unknown.slice(0, 100)}".`, unknown.slice(0, 100));
  const endpoint = endpointOf(create['endpoint']);
  if (create['body'] === undefined) throw wrong('body', 'the body of a call to the endpoint');
  const options = {
    tier: tier(create['priority']),
    queueTtlMs: duration(create, 'queue_ttl'),
    timeoutMs: duration(create, 'execution_timeout'),
    deadlineMs: duration(create, 'deadline'),
    maxAttempts: maxAttempts(create['max_attempts']),
    fallbacks: fallbacks(create['fallbacks'], isModel),
  };
  const notBeforeMs = notBefore(create['not_before'], nowMs);
  const webhook = webhookOf(create);
  const midstream = midstreamOf(create['midstream']);
  const traits = {
    metadata: metadataOf(create['metadata']),
    retention: retentionOf(create['retention']),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(webhook === undefined ? {} : { webhook }),
    ...(midstream === undefined ? {} : { midstream }),
  };
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { endpoint, body: create['body'], traits, options: said };
}

function endpointOf(value: unknown): Endpoint {
  if (isEndpoint(value) && presentationOf(value) !== undefined) return value;
  throw wrong('endpoint', 'the path of an endpoint, such as /v1/chat/completions');
}

const TIERS = ['high', 'normal', 'low'] as const;

function tier(value: unknown): Tier | undefined {
  if (isAbsent(value)) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0) return TIERS[Math.min(value as number, 2)];
  const named = TIERS.find((word) => word === value);
  if (named !== undefined) return named;
  throw wrong('priority', 'high, normal or low, or a number: 0, 1, 2 or more');
}

function duration(create: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = create[name];
  if (isAbsent(value)) return undefined;
  const ms = durationMs(value) ?? 0;
  if (ms > 0 && ms <= MOST_DAYS * DAY_MS) return ms;
  throw wrong(name, `seconds or a duration like "500ms", "15m", "7d", above 0 and at most ${MOST_DAYS}d`);
}

function maxAttempts(value: unknown): number | undefined {
  if (isAbsent(value)) return undefined;
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 20) return value as number;
  throw wrong('max_attempts', 'a whole number from 1 to 20');
}

function fallbacks(value: unknown, isModel: (name: string) => boolean): readonly string[] | undefined {
  if (isAbsent(value)) return undefined;
  if (value === 'none') return [];
  const isList = Array.isArray(value) && value.length <= MOST_FALLBACKS;
  if (isList && value.every((name) => typeof name === 'string' && isModel(name))) return value as string[];
  throw wrong('fallbacks', `"none", or an array of at most ${MOST_FALLBACKS} names of models that are configured here`);
}

export function metadataOf(value: unknown): Record<string, string> {
  if (isAbsent(value)) return {};
  const expected = `an object of at most ${MOST_PAIRS} pairs: keys of 1 to ${MOST_KEY} and strings of at most ${MOST_VALUE} characters`;
  if (!isObject(value)) throw wrong('metadata', expected);
  const pairs = Object.entries(value);
  if (pairs.length > MOST_PAIRS) throw wrong('metadata', expected);
  for (const [key, text] of pairs) {
    if (key === '' || key.length > MOST_KEY || key === '__proto__') throw wrong('metadata', expected);
    if (typeof text !== 'string' || text.length > MOST_VALUE) throw wrong(`metadata.${key}`, `a string of at most ${MOST_VALUE} characters`); // prettier-ignore
  }
  return value as Record<string, string>;
}

/** Of what the database keeps as JSON, which takes no U+0000 and no half of a pair. */
export function storableMetadataOf(value: unknown): Record<string, string> {
  const metadata = metadataOf(value);
  const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();
  if (Object.entries(metadata).flat().every(isStorable)) return metadata;
  throw wrong('metadata', 'text without the character U+0000 and halves of surrogate pairs');
}

function midstreamOf(value: unknown): DurableTraits['midstream'] | undefined {
  if (isAbsent(value)) return undefined;
  if (value === 'continue' || value === 'error' || value === 'restart') return value;
  throw wrong('midstream', 'continue, error or restart');
}

function notBefore(value: unknown, nowMs: number): number | undefined {
  if (isAbsent(value)) return undefined;
  const ms = typeof value === 'number' ? Math.round(value * 1_000) : NaN;
  if (ms >= 0 && ms <= nowMs + MOST_AHEAD_DAYS * DAY_MS) return ms > nowMs ? ms : undefined;
  throw wrong('not_before', `a time in Unix seconds, at most ${MOST_AHEAD_DAYS} days ahead`);
}

function webhookOf(create: Readonly<Record<string, unknown>>): DurableTraits['webhook'] | undefined {
  const { webhook, webhook_endpoint_id: endpointId } = create;
  if (!isAbsent(endpointId)) {
    if (!isAbsent(webhook)) throw apiError('invalid_request', 'webhook and webhook_endpoint_id exclude each other.', 'webhook'); // prettier-ignore
    if (typeof endpointId === 'string' && /^we_[0-9a-f]{32}$/.test(endpointId)) return { endpointId };
    throw wrong('webhook_endpoint_id', 'the id of a webhook endpoint (we_…)');
  }
  if (isAbsent(webhook)) return undefined;
  if (!isObject(webhook)) throw wrong('webhook', 'an object with url and secret');
  const { url, secret, events, ...others } = webhook;
  const [other] = Object.keys(others);
  if (other !== undefined) throw apiError('invalid_request', `There is no member "webhook.${other.slice(0, 100)}".`, `webhook.${other.slice(0, 100)}`); // prettier-ignore
  if (typeof url !== 'string' || url === '' || url.length > 2_048) throw wrong('webhook.url', 'an https URL of at most 2048 characters'); // prettier-ignore
  if (typeof secret !== 'string') throw wrong('webhook.secret', '"whsec_" and 24 to 64 bytes as base64');
  if (isAbsent(events)) return { url, secret };
  const areEvents = Array.isArray(events) && events.length > 0 && events.length <= 20 && events.every((e) => typeof e === 'string'); // prettier-ignore
  if (!areEvents) throw wrong('webhook.events', 'an array of types of events');
  return { url, secret, events: events as string[] };
}

function retentionOf(value: unknown): DurableTraits['retention'] {
  if (isAbsent(value)) return undefined;
  if (!isObject(value)) throw wrong('retention', 'an object with request and result');
  const unknown = Object.keys(value).find((name) => name !== 'request' && name !== 'result');
  if (unknown !== undefined)
    throw wrong(`retention.${unknown.slice(0, 100)}`, 'left out: there are request and result');
  const requestMs = keptMs(value['request'], 'retention.request');
  const resultMs = keptMs(value['result'], 'retention.result');
  return { ...(requestMs === undefined ? {} : { requestMs }), ...(resultMs === undefined ? {} : { resultMs }) };
}

function keptMs(value: unknown, name: string): number | undefined {
  if (isAbsent(value)) return undefined;
  const ms = durationMs(value);
  if (ms !== undefined && ms <= MOST_KEPT_DAYS * DAY_MS) return Math.round(ms);
  throw wrong(name, `0, or seconds or a duration like "15m", "7d", at most ${MOST_KEPT_DAYS}d`);
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
