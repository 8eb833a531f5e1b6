import { describe, expect, it } from '@jest/globals';
import type { ModelGroup, RoutingPolicy } from '../deployment.js';
import { context, deployment, lists } from './test-routing.js';
import { play, type Answer, type World } from './test-world.js';

const SERVER: Answer = { kind: 'server', tookMs: 1 };

/** @param orders of the deployments, by group */
function world(
  orders: Record<string, number[]>,
  answers: Record<string, Answer[]>,
  policy: Partial<RoutingPolicy>,
  rest: Partial<World>,
): World {
  const groups = Object.entries(orders).map(([name, all]): ModelGroup => {
    const deployments = all.map((order, i) => deployment(`${name}-${i}`, { order, group: name }));
    return { name, deployments, entries: undefined };
  });
  return {
    groups,
    policy: context([], { policy: { numRetries: 0, retryAfterMs: 0, outageWaitMs: 0, ...policy } }).policy,
    answers: (id, nth) => {
      const script = answers[id] ?? [SERVER];
      return script[Math.min(nth, script.length - 1)]!;
    },
    states: [],
    callersFallbacks: undefined,
    only: undefined,
    maxAttempts: undefined,
    startInMs: 600_000,
    deadlineInMs: 3_600_000,
    rejectWhenFull: false,
    seed: 7,
    ...rest,
  };
}

describe('worlds that a million random ones have found', () => {
  it('two that limit in turns do not keep a job from a third of a later order', () => {
    const limits: Answer[] = [{ kind: 'rate_limit', tookMs: 12_000 }];
    const found = world({ g0: [1, 1, 2] }, { 'g0-0': limits, 'g0-1': limits, 'g0-2': ['ok'] }, {}, {});
    const { calls, end } = play(found);
    expect(end).toBe('ok');
    expect(calls.map(({ deployment: d, kind }) => [d.id, kind]).slice(-1)).toEqual([['g0-2', 'ok']]);
    expect(calls).toHaveLength(3);
  });

  it('a group whose filter refused is not gone back to, although it was left as only full before', () => {
    const found = world(
      { g0: [1, 1], g1: [1], g2: [1] },
      {
        'g0-0': [{ kind: 'timeout', tookMs: 1 }, { kind: 'content_filter', tookMs: 1 }, SERVER],
        'g0-1': [{ kind: 'server', tookMs: 1, retryAfterMs: 900 }],
        'g2-0': ['ok'],
      },
      { fallbacks: lists({ g0: ['g0'] }), contentPolicyFallbacks: lists({ g0: ['g2'] }), maxFallbacks: 1 },
      { states: [{ id: 'g2-0', state: 'cooling', forMs: 30_000 }], maxAttempts: 6, deadlineInMs: 60_000 },
    );
    const { calls, end } = play(found);
    const filtered = calls.findIndex(({ kind }) => kind === 'content_filter');
    expect(filtered).toBeGreaterThan(0);
    expect(calls.slice(filtered + 1).map(({ deployment: d }) => d.id)).toEqual(['g2-0']);
    expect(end).toBe('ok');
  });
});
