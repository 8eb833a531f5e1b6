import { describe, expect, it } from '@jest/globals';
import type { Deployment, RoutingPolicy } from '../deployment.js';
import type { FailureKind } from '../failure.js';
import { eligibleDeployments } from './eligible-deployments.js';
import type { Progress } from './progress.js';
import { after, deployment, group, policy, START_MS, tried } from './test-routing.js';

const [west, east, direct, claude] = [
  deployment('west', { baseModel: 'gpt-4o', model: 'west-4o' }),
  deployment('east', { baseModel: 'gpt-4o', model: 'east-4o' }),
  deployment('direct', { model: 'gpt-4o' }),
  deployment('claude', { model: 'claude-sonnet-4-5' }),
];
const g = group('g', [west, east, direct, claude]);
const ALL = ['west', 'east', 'direct', 'claude'];

function ranks(
  progress: Progress,
  { atMs = START_MS + 60_000, only, ...own }: { atMs?: number; only?: string[] } & Partial<RoutingPolicy> = {},
  members: readonly Deployment[] = g.deployments,
) {
  const eligible = eligibleDeployments({ ...g, deployments: members }, only, progress, policy(own), atMs);
  const ids = (of: { deployment: Deployment }[]) => of.map((r) => r.deployment.id);
  return {
    fresh: eligible.fresh.map((d) => d.id),
    resting: ids(eligible.resting),
    again: ids(eligible.again),
    lastly: ids(eligible.lastly),
    probed: ids(eligible.probed),
  };
}
const only = (rank: Partial<ReturnType<typeof ranks>>) => ({
  fresh: [],
  resting: [],
  again: [],
  lastly: [],
  probed: [],
  ...rank,
});

describe('eligibleDeployments', () => {
  it('takes all at first, but those that are disabled or not meant', () => {
    expect(ranks(after())).toEqual(only({ fresh: ALL }));
    expect(ranks(after(), { only: ['east'] })).toEqual(only({ fresh: ['east'] }));
    const off = g.deployments.map((d) => (d === east ? { ...d, disabled: 'AZURE_KEY is not set' } : d));
    expect(ranks(after(), {}, off)).toEqual(only({ fresh: ['west', 'direct', 'claude'] }));
  });

  // L27, L28 and "Next step by failure kind"
  it.each<[FailureKind, Partial<ReturnType<typeof ranks>>]>([
    ['server', { again: ['west'] }],
    ['overloaded', { again: ['west'] }],
    ['network', { again: ['west'] }],
    ['malformed', { again: ['west'] }],
    ['stream_broken', { again: ['west'] }],
    ['timeout', { lastly: ['west'] }],
    ['auth', {}],
    ['permission', {}],
    ['not_found', {}],
    ['quota_exhausted', {}],
  ])('one that failed with %s: %j', (kind, where) => {
    expect(ranks(after(tried('west', kind)))).toEqual(only({ fresh: ['east', 'direct', 'claude'], ...where }));
  });

  it('one that timed out once stays last, whatever came then', () => {
    const progress = after(tried('west', 'timeout'), tried('west', 'server'));
    expect(ranks(progress).lastly).toEqual(['west']);
  });

  it('nobody of the same model is asked when that is too small', () => {
    const progress = after(tried('west', 'context_length', { model: 'gpt-4o' }));
    expect(ranks(progress)).toEqual(only({ fresh: ['claude'] }));
  });

  describe('one that answered 429', () => {
    const at = (ms: number) => ({ atMs: START_MS + ms });

    it('is the lease script’s business while it cools', () => {
      expect(ranks(after(tried('west', 'rate_limit', { retryAfterMs: 5_000 })), at(0)).fresh).toEqual(ALL);
      expect(ranks(after(tried('west', 'rate_limit')), at(0)).fresh).toEqual(ALL);
    });

    it('rests a moment when it asked for less', () => {
      const atOnce = after(tried('west', 'rate_limit', { retryAfterMs: 0 }));
      expect(ranks(atOnce, at(249))).toEqual(only({ fresh: ['east', 'direct', 'claude'], resting: ['west'] }));
      expect(ranks(atOnce, at(500)).fresh).toEqual(ALL);
      const fifth = after(tried('west', 'rate_limit', { retryAfterMs: 0, times: 5 }));
      expect(ranks(fifth, at(999)).resting).toEqual(['west']);
      expect(ranks(fifth, at(1_000)).fresh).toEqual(ALL);
    });

    it.each<[string, Partial<RoutingPolicy>]>([
      ['disable_cooldowns', { disableCooldowns: true }],
      ['cooldown_time 0', { cooldownMs: 0 }],
    ])('rests for this job alone with %s', (_name, own) => {
      const told = after(tried('west', 'rate_limit', { retryAfterMs: 5_000 }));
      expect(ranks(told, { ...own, ...at(4_999) }).resting).toEqual(['west']);
      expect(ranks(told, { ...own, ...at(5_000) }).fresh).toEqual(ALL);
      const untold = after(tried('west', 'rate_limit'));
      expect(ranks(untold, { ...own, ...at(249) }).resting).toEqual(['west']);
      expect(ranks(untold, { ...own, ...at(500) }).fresh).toEqual(ALL);
    });
  });

  it('a failed probe is open for a while, then like any that failed', () => {
    const probe = after(tried('west', 'server', { used: false }));
    expect(ranks(probe, { atMs: START_MS }).probed).toEqual(['west']);
    expect(ranks(probe).again).toEqual(['west']);
  });

  it('the round of the untried has only those, the round after it each once', () => {
    const failed = [tried('west', 'server'), tried('east', 'auth'), tried('direct', 'rate_limit')];
    expect(ranks({ ...after(...failed), round: 'untried', roundFrom: 3 })).toEqual(
      only({ fresh: ['direct', 'claude'] }),
    );
    const again: Progress = { ...after(...failed, tried('claude', 'server')), round: 'again', roundFrom: 4 };
    expect(ranks(again)).toEqual(only({ fresh: ['direct'], again: ['west', 'claude'] }));
    const oneMore = { ...again, tried: [...again.tried, tried('west', 'server')] };
    expect(ranks(oneMore).again).toEqual(['claude']);
  });

  it('backs off longer with each failure, and never less than retry_after', () => {
    const readyMs = (progress: Progress, own: Partial<RoutingPolicy> = {}) =>
      eligibleDeployments(g, undefined, progress, policy(own), START_MS).again[0]!.readyMs - START_MS;
    const once = after(tried('west', 'server'));
    const thrice = after(tried('west', 'server'), tried('west', 'server'), tried('west', 'server'));
    expect(readyMs(once)).toBeGreaterThanOrEqual(250);
    expect(readyMs(once)).toBeLessThanOrEqual(500);
    expect(readyMs(thrice)).toBeGreaterThanOrEqual(1_000);
    expect(readyMs(once, { retryAfterMs: 5_000 })).toBe(5_000); // L29
  });
});
