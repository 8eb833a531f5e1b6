import { digestOf, fingerprintOf } from '@sluice/core';
import type { InferenceJob, SameCall } from '@sluice/pipeline';
import type { PromisedAnswers } from '@sluice/state';
import type { FastifyRequest } from 'fastify';
import { idempotencyKey } from './idempotency-key.js';

/** How a call may be repeated without being made twice: API.md 9. */
export interface Repeatable {
  /** Looks for the job of the same call before. */
  same?: SameCall;
  /** Before its caller is told to come back: from then on a repeat finds the job. */
  promise: (job: Pick<InferenceJob, 'jobId' | 'group'>) => Promise<void>;
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
  const path = pathOf(request.url);
  const key = idempotencyKey(request.headers);
  if (key !== undefined) {
    const same = keyed(tenant, `${request.method} ${path}`, key, request.body);
    return { same, promise: () => Promise.resolve() }; // the key finds it
  }
  const count = request.headers['x-stainless-retry-count'];
  if (count === undefined) return undefined;
  const call = (): string => digestOf(tenant, path, request.source ?? '');
  return {
    ...(Number(count) >= 1 ? { same: { kind: 'repeat', call: call() } } : {}),
    promise: (job) => promises.promise(call(), job),
  };
}

/** @param route method and path */
export function keyed(tenant: string, route: string, key: string, body: unknown): SameCall & { kind: 'key' } {
  return { kind: 'key', scope: digestOf(tenant, route, key), fingerprint: fingerprintOf(body) };
}

/** As the router takes it: with or without `/v1`, a query, slashes too many. */
const pathOf = (url: string): string =>
  url
    .replace(/\?.*$/, '')
    .replace(/\/{2,}/g, '/')
    .replace(/(.)\/$/, '$1')
    .replace(/^\/v1(?=\/)/, '');
