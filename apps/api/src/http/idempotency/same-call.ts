import { digestOf, fingerprintOf } from '@sluice/core';
import type { InferenceJob, KeyedCall, SameCall } from '@sluice/pipeline';
import type { PromisedAnswers } from '@sluice/state';
import type { FastifyRequest } from 'fastify';
import { idempotencyKey } from './idempotency-key.js';

/** How a call may be repeated without being made twice: API.md 9. */
export interface Repeatable {
  /** Looks for the job of the same call before. */
  same?: SameCall;
  /** Before its caller is told to come back: from then on a repeat finds the job. */
  promise: (job: Pick<InferenceJob, 'jobId' | 'group'>) => Promise<void>;
  /** Before the body is let go of. */
  remember?: () => void;
}

/**
 * By its Idempotency-Key; without one by the count of retries that the official clients send. Undefined: a repeat would be
 * another call. Costs a plain call two look-ups of headers.
 * @throws 400 invalid_header
 */
export function repeatable(
  request: FastifyRequest,
  tenant: string,
  promises: Pick<PromisedAnswers, 'promise'>,
): Repeatable | undefined {
  const same = keyedCall(request, tenant);
  if (same !== undefined) return { same, promise: () => Promise.resolve() }; // the key finds it
  const count = request.headers['x-stainless-retry-count'];
  if (count === undefined) return undefined;
  let digest: string | undefined;
  const call = (): string => (digest ??= digestOf(tenant, pathOf(request.url), request.source ?? ''));
  return {
    ...(Number(count) >= 1 ? { same: { kind: 'repeat', call: call() } } : {}),
    promise: (job) => promises.promise(call(), job),
    remember: () => void call(),
  };
}

/**
 * The call as its Idempotency-Key names it; undefined: it has none.
 * @param fingerprint where the body is not JSON: a digest of its parts
 * @throws 400 invalid_header
 */
export function keyedCall(
  { headers, method, url, body }: FastifyRequest,
  tenant: string,
  fingerprint?: string,
): KeyedCall | undefined {
  const key = idempotencyKey(headers);
  if (key === undefined) return undefined;
  const scope = digestOf(tenant, `${method} ${pathOf(url)}`, key);
  return { kind: 'key', scope, fingerprint: fingerprint ?? fingerprintOf(body) };
}

/** An item of a bulk, by its own key or by its place under that of the whole. @param path without `/v1` */
export const keyedItem = (tenant: string, path: string, key: string, item: unknown): KeyedCall => ({
  kind: 'key',
  scope: digestOf(tenant, `POST ${path}`, key),
  fingerprint: fingerprintOf(item),
});

/** As the router takes it: with or without `/v1`, a query, slashes too many. */
const pathOf = (url: string): string =>
  url
    .replace(/\?.*$/, '')
    .replace(/\/{2,}/g, '/')
    .replace(/(.)\/$/, '$1')
    .replace(/^\/v1(?=\/)/, '');
