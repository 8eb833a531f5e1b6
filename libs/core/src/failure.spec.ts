import { describe, expect, it } from '@jest/globals';
import { consequenceOf, type FailureKind } from './failure.js';

describe('consequenceOf', () => {
  // LITELLM.md 4, "Next step by failure kind"; codes: FAULTS.md 1.
  it.each<[FailureKind, string, string, string, 'counts' | 'no', string, string]>([
    ['client_gone', 'no', 'no', 'none', 'no', 'nothing', 'job_cancelled'],
    ['cancelled', 'no', 'no', 'none', 'no', 'nothing', 'job_cancelled'],
    ['deadline', 'no', 'no', 'none', 'no', 'nothing', 'deadline_exceeded'],
    ['bad_request', 'no', 'no', 'none', 'no', 'nothing', 'invalid_request'],
    ['content_filter', 'no', 'no', 'content_policy', 'no', 'nothing', 'content_filter'],
    ['context_length', 'other_model', 'no', 'context_window', 'no', 'nothing', 'context_length_exceeded'],
    ['rate_limit', 'yes', 'if_alone', 'general', 'no', 'cools', 'no_capacity'],
    ['auth', 'yes', 'no', 'general', 'no', 'out', 'provider_auth'],
    ['permission', 'yes', 'no', 'general', 'no', 'out', 'provider_auth'],
    ['not_found', 'yes', 'no', 'general', 'no', 'out', 'provider_model_not_found'],
    ['quota_exhausted', 'yes', 'no', 'general', 'no', 'out', 'insufficient_quota'],
    ['timeout', 'yes', 'if_alone', 'general', 'counts', 'nothing', 'provider_timeout'],
    ['overloaded', 'yes', 'after_backoff', 'general', 'counts', 'nothing', 'provider_overloaded'],
    ['server', 'yes', 'after_backoff', 'general', 'counts', 'nothing', 'provider_error'],
    ['network', 'yes', 'after_backoff', 'general', 'counts', 'nothing', 'provider_unreachable'],
    ['stream_broken', 'yes', 'after_backoff', 'general', 'counts', 'nothing', 'upstream_interrupted'],
    ['malformed', 'yes', 'after_backoff', 'general', 'counts', 'nothing', 'provider_malformed'],
    ['departed', 'no', 'no', 'none', 'no', 'nothing', 'upstream_interrupted'],
  ])(
    '%s: another %s, same %s, fallback %s, breaker %s, %s, %s',
    (kind, another, same, fallback, breaker, shuts, code) => {
      const countsAgainstBreaker = breaker === 'counts';
      const usesAttempt = kind !== 'rate_limit';
      expect(consequenceOf({ kind })).toEqual({
        another,
        same,
        fallback,
        countsAgainstBreaker,
        shuts,
        usesAttempt,
        code,
      });
    },
  );

  it.each<[FailureKind, string]>([
    ['overloaded', 'cools'],
    ['server', 'cools'],
    ['auth', 'out'],
    ['bad_request', 'nothing'],
  ])('%s with a retry hint shuts: %s', (kind, shuts) => {
    expect(consequenceOf({ kind, retryAfterMs: 2_000 }).shuts).toBe(shuts);
  });
});
