import { describe, expect, it } from '@jest/globals';
import type { RetryPolicy } from '../deployment.js';
import type { FailureKind } from '../failure.js';
import { endsGroup, retriesAfter } from './retry-policy.js';
import { policy, tried } from './test-routing.js';

const of = (entries: Record<string, RetryPolicy>) => policy({ retryPolicies: new Map(Object.entries(entries)) });

describe('retriesAfter', () => {
  it.each<[string, FailureKind, number | undefined, Record<string, RetryPolicy>, number | undefined]>([
    ['no policy', 'server', undefined, {}, undefined],
    ['the general one', 'timeout', undefined, { '*': { timeout: 4 } }, 4],
    ['the group’s own', 'timeout', undefined, { '*': { timeout: 4 }, g: { timeout: 1 } }, 1],
    ['the group’s own, which says nothing', 'timeout', undefined, { '*': { timeout: 4 }, g: {} }, undefined],
    ['a status that has a class of its own', 'server', 502, { '*': { internalServer: 1, badGateway: 2 } }, 2],
    ['a reset', 'network', undefined, { '*': { internalServer: 1 } }, 1],
    ['a kind that LiteLLM has no class for', 'quota_exhausted', 429, { '*': { rateLimit: 1 } }, undefined],
  ])('%s: %s', (_name, kind, status, entries, expected) => {
    const failed = tried('a', kind, status === undefined ? {} : { status });
    expect(retriesAfter(failed, of(entries))).toBe(expected); // L25
  });
});

describe('endsGroup', () => {
  it.each<[FailureKind, RetryPolicy, boolean]>([
    ['bad_request', {}, true],
    ['bad_request', { badRequest: 0 }, true],
    ['bad_request', { badRequest: 1 }, false],
    ['content_filter', { contentPolicy: 1 }, false],
    ['content_filter', { badRequest: 1 }, true],
    ['cancelled', { badRequest: 1 }, true],
    ['server', { internalServer: 0 }, false],
  ])('%s under %j: %s', (kind, retries, expected) => {
    expect(endsGroup(of({ '*': retries }), tried('a', kind))).toBe(expected);
  });
});
