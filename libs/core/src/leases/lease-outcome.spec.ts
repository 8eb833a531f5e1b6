import { describe, expect, it } from '@jest/globals';
import type { FailureKind } from '../failure.js';
import type { BreakerRules } from './lease.js';
import { leaseOutcomeOf } from './lease-outcome.js';

const rules: BreakerRules = { allowedFails: undefined, cooldownMs: undefined, disableCooldowns: false };

describe('leaseOutcomeOf', () => {
  it.each<[FailureKind, string]>([
    ['client_gone', 'neutral'],
    ['cancelled', 'neutral'],
    ['deadline', 'neutral'],
    ['bad_request', 'neutral'],
    ['context_length', 'neutral'],
    ['content_filter', 'neutral'],
    ['auth', 'out'],
    ['permission', 'out'],
    ['not_found', 'out'],
    ['quota_exhausted', 'out'],
    ['rate_limit', 'cools'],
    ['overloaded', 'failed'],
    ['server', 'failed'],
    ['timeout', 'failed'],
    ['network', 'failed'],
    ['stream_broken', 'failed'],
    ['malformed', 'failed'],
  ])('%s is %s', (kind, outcome) => {
    expect(leaseOutcomeOf({ kind }, rules).kind).toBe(outcome);
  });

  it('keeps the retry hint of what counts, which then cools too', () => {
    const outcome = leaseOutcomeOf({ kind: 'overloaded', retryAfterMs: 700 }, rules, { tripped: true, tokens: 12 });
    expect(outcome).toEqual({
      kind: 'failed',
      reason: 'overloaded',
      tripped: true,
      retryAfterMs: 700,
      tokens: 12,
      rules,
    });
  });
});
