import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Deployment } from '../deployment.js';
import { consequenceOf, type FailureKind } from '../failure.js';
import { modelOf } from './eligible-deployments.js';
import { attemptsUsed } from './progress.js';
import { lists } from './test-routing.js';
import { must, play, worlds, type Answer, type Call, type World } from './test-world.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };

/**
 * One job is driven through a small world until it ends: groups of deployments that answer by a random script, some of
 * them cooling, open or busy by what other calls did, the leases those of the real twin. Clock and dice are the world's.
 */
describe('a job in a random world', () => {
  it('ends, within its bounds', () => {
    expect(() => fc.assert(fc.property(worlds, boundsHold), RUNS)).not.toThrow();
  });
  it('asks whom it may, in the right order', () => {
    expect(() => fc.assert(fc.property(worlds, asksRightly), RUNS)).not.toThrow();
  });
  it('fails for a reason that is true', () => {
    expect(() => fc.assert(fc.property(worlds, reasonIsTrue), RUNS)).not.toThrow();
  });
  it('reaches the one deployment that answers, when its group stands in its own fallback list', () => {
    expect(() => fc.assert(fc.property(worlds, fc.nat(), reachesTheGoodOne), RUNS)).not.toThrow();
  });
});

function boundsHold(world: World): void {
  const { context, calls, steps, progress, end } = play(world);
  must(end !== undefined, 'it ends');
  must(attemptsUsed(progress.tried) <= 20, 'at most 20 attempts are used');
  must(new Set(progress.route).size === progress.route.length, 'no group is entered twice');
  must(progress.route.length - 1 <= context.policy.maxFallbacks, 'at most max_fallbacks groups');
  must(
    progress.tried.every((t) => t.kind !== 'rate_limit' || !t.used),
    'a 429 uses nothing',
  );
  for (const call of calls) must(call.fromMs < context.deadlineMs, 'no call begins after the deadline');
  for (const { step, nowMs } of steps) {
    if (step.do === 'pause') must(step.ms > 0 && Number.isFinite(step.ms), 'a pause has a length');
    if (step.do === 'give_back')
      must(step.untilMs > nowMs + 1_000, 'what returns within a second is waited for in place');
  }
  for (const { roundUsed, wanted, round } of calls) {
    if (round === 'regular') must(roundUsed < wanted, 'at most 1 + num_retries attempts in a round');
  }
}

function asksRightly(world: World): void {
  const { calls, steps } = play(world);
  const failed = new Map<string, FailureKind[]>();
  const lastCall = new Map<string, Call>();
  for (const [i, { deployment: asked, candidates, freshElsewhere, fromMs, kind, round, before }] of calls.entries()) {
    const { id } = asked;
    if (failed.has(id)) must(freshElsewhere.length === 0, `${id} failed and is not asked while another is eligible`);
    const kinds = failed.get(id) ?? [];
    must(
      kinds.every((k) => consequenceOf({ kind: k }).same !== 'no'),
      `${id} is out for this job`,
    );
    if (round === 'untried') must(!failed.has(id), 'the round of the untried asks nobody twice');
    const previous = lastCall.get(id);
    if (previous !== undefined) {
      must(fromMs - previous.toMs >= 249, 'the same one is asked again only after a backoff');
      const waitedMs = fromMs - previous.toMs;
      if (previous.kind !== 'rate_limit') must(waitedMs >= world.policy.retryAfterMs, 'and after retry_after');
    }
    if (kinds.includes('timeout')) {
      must(
        candidates.every((c) => failed.get(c.id)?.includes('timeout') === true),
        'one that timed out comes last',
      );
    }
    for (const { kind: earlier, deployment: by } of calls.slice(0, i)) {
      if (earlier === 'context_length')
        must(modelOf(by) !== modelOf(asked), 'no other deployment of a model too small');
      must(earlier !== 'bad_request', 'a bad request ends the call');
    }
    if (before?.kind === 'content_filter') must(before.here !== calls[i]!.here, 'a filtered call leaves the group');
    if (kind !== 'ok' && kind !== 'rate_limit') failed.set(id, [...kinds, kind]);
    lastCall.set(id, calls[i]!);
  }
  for (const { step, isGroupShut } of steps) {
    if (step.do === 'give_back') must(isGroupShut, 'the gate is shut only when the whole asked group is');
  }
}

function reasonIsTrue(world: World): void {
  const { progress, end, nowMs, context, steps } = play(world);
  if (end === 'ok') return;
  const hasUsed = progress.tried.some((t) => t.used);
  switch (end!.kind) {
    case 'attempts_failed':
      return must(hasUsed, 'attempts were made');
    case 'all_out':
      return must(!hasUsed, 'no attempt of its own was used');
    case 'unfit':
      return must(false, 'every call of this world fits');
    case 'deadline':
      return must(nowMs >= context.deadlineMs - 10, 'the deadline has passed');
    case 'no_capacity': {
      const isLate = nowMs + end!.retryAfterMs > context.startByMs;
      must(isLate || context.rejectWhenFull || !hasUsed, 'it was in vain to wait longer');
      must(
        steps.some(({ sawFull }) => sawFull) || progress.tried.some((t) => t.kind === 'rate_limit'),
        'something was full',
      );
    }
  }
}

function reachesTheGoodOne(world: World, which: number): void {
  const members = world.groups[0]!.deployments.filter((d) => d.disabled === undefined);
  const good = members[which % Math.max(1, members.length)];
  if (good === undefined) return;
  const healthy: Deployment = { ...good, model: 'good', rpm: undefined, maxParallel: undefined };
  const groups = world.groups.map((g) => ({
    ...g,
    deployments: g.deployments.map((d) => (d.id === good.id ? healthy : d)),
  }));
  const { end } = play({
    ...world,
    groups,
    only: undefined,
    callersFallbacks: undefined,
    rejectWhenFull: false,
    maxAttempts: undefined,
    startInMs: 600_000,
    deadlineInMs: 3_600_000,
    policy: { ...world.policy, fallbacks: lists({ g0: ['g0'] }), contextWindowFallbacks: new Map() },
    answers: (id, nth) => (id === good.id ? 'ok' : withoutEnds(world.answers(id, nth))),
    states: world.states.filter((s) => s.id !== good.id),
  });
  must(end === 'ok', 'the good one answers');
}

const ENDS: readonly FailureKind[] = ['bad_request', 'content_filter'];
const withoutEnds = (answer: Answer): Answer =>
  answer !== 'ok' && ENDS.includes(answer.kind) ? { kind: 'server', tookMs: 5 } : answer;
