import { describe, expect, it } from '@jest/globals';
import type { Deployment } from './deployment.js';
import { context, deployment, dice, group, policy, START_MS } from './dispatch/test-routing.js';
import { explainCall, type ExplainedCall } from './explain-call.js';
import type { CallTraits } from './fit/fit-deployments.js';
import type { DeploymentStatus, LeaseRefusal } from './leases/lease.js';

const idle = (deploymentId: string): DeploymentStatus => ({
  deploymentId,
  coolingUntilMs: 0,
  coolingReason: '',
  breaker: 'closed',
  openUntilMs: 0,
  openReason: '',
  failures: 0,
  inFlight: 0,
  requests: 0,
  tokens: 0,
});

function explained(
  members: Deployment[],
  statuses: Record<string, Partial<DeploymentStatus>> = {},
  own: Partial<CallTraits> = {},
  only?: string[],
  spent: LeaseRefusal[] = [],
): ExplainedCall {
  const needs = () => ({ inputTokens: 5_000, capabilities: new Set<never>() });
  const call = { tags: [], region: undefined, bodyBytes: 20_000, needs, countTokens: () => undefined, ...own };
  const statusOf = ({ id }: Deployment) => ({ ...idle(id), ...statuses[id] });
  const { choice } = context([]);
  const target = { group: group('g', members), only };
  const rules = policy({ tagFiltering: own.tags && { matchesAny: true } });
  return explainCall(target, call, choice, rules, { statusOf, spent }, START_MS, dice(1));
}
const reasons = ({ candidates }: ExplainedCall): Record<string, string> =>
  Object.fromEntries(candidates.map(({ deployment: id, verdict, reason }) => [id, reason ?? verdict]));

describe('an explained call', () => {
  it('tells of each deployment who would be asked, or why not', () => {
    const small = { limits: { maxInputTokens: 1_000, maxOutputTokens: undefined } };
    const members = [
      deployment('first', { weight: 3 }),
      deployment('second', { weight: 1 }),
      deployment('later', { order: 2 }),
      deployment('small', small),
      deployment('off', { disabled: 'no key' }),
      deployment('cools'),
      deployment('open'),
      deployment('probed'),
      deployment('busy', { maxParallel: 2 }),
      deployment('rpm', { rpm: 5 }),
      deployment('tpm', { tpm: 100 }),
    ];
    const told = explained(members, {
      cools: { coolingUntilMs: START_MS + 500 },
      open: { breaker: 'open', openUntilMs: START_MS + 900 },
      probed: { breaker: 'half_open', openUntilMs: 1, inFlight: 1 },
      busy: { inFlight: 2 },
      rpm: { requests: 5 },
      tpm: { tokens: 100 },
    });
    expect(told.would).toBe('dispatch');
    expect(reasons(told)).toEqual({
      first: 'chosen',
      second: 'eligible',
      later: 'lower_order',
      small: 'context_window',
      off: 'disabled',
      cools: 'cooling',
      open: 'breaker_open',
      probed: 'probing',
      busy: 'parallel',
      rpm: 'rpm',
      tpm: 'tpm',
    });
    expect(told.candidates[0]!.share).toBeGreaterThan(0.7);
  });

  it('waits for the first that is back', () => {
    const told = explained([deployment('a'), deployment('b')], {
      a: { coolingUntilMs: START_MS + 3_000 },
      b: { breaker: 'open', openUntilMs: START_MS + 900 },
    });
    expect(told).toMatchObject({ would: 'wait', waitMs: 900 });
  });

  it('waits for nobody knows how long while all are busy', () => {
    const told = explained([deployment('a', { maxParallel: 1 })], { a: { inFlight: 1 } });
    expect(told.would).toBe('wait');
    expect(told).not.toHaveProperty('waitMs');
  });

  it('is rejected when nobody may serve it', () => {
    const told = explained([deployment('a', { tags: ['paid'] })], {}, { tags: ['free'] });
    expect(told.would).toBe('reject');
    expect(reasons(told)).toEqual({ a: 'tag' });
  });

  it('that names one deployment asks nobody else', () => {
    expect(reasons(explained([deployment('a'), deployment('b')], {}, {}, ['b']))).toEqual({
      a: 'not_picked',
      b: 'chosen',
    });
  });
});

it('a spent budget is waited for', () => {
  const untilMs = START_MS + 5_000;
  const spent = [{ deploymentId: 'poor', verdict: 'budget' as const, untilMs }];
  const both = explained([deployment('poor'), deployment('rich')], {}, {}, undefined, spent);
  expect(reasons(both)).toEqual({ poor: 'budget', rich: 'chosen' });
  expect(explained([deployment('poor')], {}, {}, undefined, spent)).toMatchObject({ would: 'wait', waitMs: 5_000 });
});
