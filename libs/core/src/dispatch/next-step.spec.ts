import { describe, expect, it } from '@jest/globals';
import type { RetryPolicy, RoutingPolicy } from '../deployment.js';
import type { FailureKind } from '../failure.js';
import type { LeaseRefusal, RefusalVerdict } from '../leases/lease.js';
import { couldGoElsewhere } from './could-go-elsewhere.js';
import { variantName, variantOf } from './fallback-variant.js';
import { nextStep } from './next-step.js';
import { afterTry, type Progress, type Tried } from './progress.js';
import type { Step, StepContext } from './step.js';
import { after, context, deployment, dice, group, lists, START_MS, tried } from './test-routing.js';

const ARTICLE = group('g', [
  deployment('west'),
  deployment('east'),
  deployment('direct'),
  deployment('claude', { order: 2, model: 'claude-sonnet-4-5' }),
]);
const LONE = group('g', ['a']);
const PAIR = group('g', ['a', 'b']);

const step = (progress: Progress, refusals: readonly LeaseRefusal[], of: StepContext, afterMs = 0): Step =>
  nextStep(progress, refusals, of, START_MS + afterMs, dice(1));

const refusal = (deploymentId: string, verdict: RefusalVerdict, inMs: number): LeaseRefusal => ({
  deploymentId,
  verdict,
  untilMs: inMs === 0 ? 0 : START_MS + inMs,
});

const asked = (s: Step): string[] => (s.do === 'ask' ? s.candidates.map((c) => c.deployment.id).toSorted() : [s.do]);
const reason = (s: Step): string => (s.do === 'fail' ? s.because.kind : s.do);

/** A job whose every attempt fails at once, by these kinds in turn; who is asked, in sorted sets, until it ends or waits. */
function story(of: StepContext, kinds: readonly FailureKind[], own: Partial<Tried> = {}) {
  const chosen: string[] = [];
  let progress = after();
  let nowMs = START_MS;
  for (let i = 0; i < 60; i++) {
    const next = nextStep(progress, [], of, nowMs, dice(i));
    progress = next.progress;
    if (next.do === 'pause') {
      nowMs += next.ms;
      continue;
    }
    if (next.do !== 'ask') return { chosen, end: next, progress, tookMs: nowMs - START_MS };
    const { id } = next.candidates[0]!.deployment;
    chosen.push(id);
    const kind = kinds[Math.min(chosen.length, kinds.length) - 1]!;
    progress = afterTry(progress, tried(id, kind, { group: next.group.name, atMs: nowMs, ...own }));
  }
  throw new Error('it does not end');
}

describe('inside a group', () => {
  it('a 429 leads to another at once, and uses nothing', () => {
    const progress = after(tried('west', 'rate_limit', { retryAfterMs: 5_000 }));
    const again = step(progress, [refusal('west', 'cooling', 5_000)], context([ARTICLE])); // L20
    expect(asked(again)).toEqual(['claude', 'direct', 'east']);
    expect(again.progress.tried[0]!.used).toBe(false);
  });

  it('a lone deployment that answered 429 is waited for, then asked', () => {
    const of = context([LONE]);
    const progress = after(tried('a', 'rate_limit', { retryAfterMs: 5_000 }));
    const waits = step(progress, [refusal('a', 'cooling', 5_000)], of); // L22
    expect(waits).toMatchObject({ do: 'give_back', untilMs: START_MS + 5_000 });
    expect(asked(step(waits.progress, [], of, 5_000))).toEqual(['a']);
  });

  it('waits in place for what returns within a second', () => {
    expect(step(after(), [refusal('a', 'cooling', 900)], context([LONE]))).toMatchObject({
      do: 'pause',
      ms: 900,
      for: 'return',
    });
    expect(step(after(), [refusal('a', 'parallel', 0)], context([LONE]))).toMatchObject({
      do: 'pause',
      ms: 250,
      for: 'slot',
    });
  });

  it('or in the backlog, when many wait in place already', () => {
    const of = context([LONE], { mayWaitInPlace: () => false });
    expect(step(after(), [refusal('a', 'cooling', 900)], of)).toMatchObject({
      do: 'give_back',
      untilMs: START_MS + 900,
    });
    expect(step(after(), [refusal('a', 'parallel', 0)], of)).toMatchObject({
      do: 'give_back',
      untilMs: START_MS + 250,
    });
    expect(step(after(tried('a', 'server')), [], of)).toMatchObject({ do: 'pause', for: 'time' }); // its own backoff
  });

  it.each([
    [0, 1],
    [1, 2],
    [2, 3],
    [6, 7],
  ])('num_retries %i: %i attempts', (numRetries, attempts) => {
    const { chosen, end } = story(context([ARTICLE], { policy: { numRetries } }), ['server']); // L23
    expect(chosen).toHaveLength(attempts);
    expect(reason(end)).toBe('attempts_failed');
  });

  it.each<[string, Partial<Parameters<typeof context>[1] & object>, number | undefined, number]>([
    ['the caller’s max attempts beat all', { maxAttempts: 1 }, 9, 1], // L24
    ['the deployment’s num_retries beats the router’s', {}, 0, 1],
    ['the router’s, else', {}, undefined, 3],
  ])('%s', (_name, own, numRetries, attempts) => {
    const g = group('g', [deployment('a', { numRetries }), deployment('b', { numRetries })]);
    expect(story(context([g], own), ['server']).chosen).toHaveLength(attempts);
  });

  it.each<FailureKind>(['bad_request', 'content_filter', 'cancelled'])('%s ends it at once', (kind) => {
    const { chosen, end } = story(context([ARTICLE]), [kind]); // L26
    expect(chosen).toHaveLength(1);
    expect(reason(end)).toBe('attempts_failed');
  });

  it('after 401 another is asked, and that one never again', () => {
    const { chosen } = story(context([PAIR], { policy: { numRetries: 9 } }), ['auth', 'server']); // L27
    expect(new Set(chosen.slice(1)).has(chosen[0]!)).toBe(false);
    expect(chosen).toHaveLength(10);
  });

  it('nobody is asked twice before all were asked once', () => {
    const { chosen } = story(context([ARTICLE], { policy: { numRetries: 7 } }), ['server']); // L28
    expect(new Set(chosen.slice(0, 4)).size).toBe(4);
    expect(chosen).toHaveLength(8);
  });

  it('the second tier comes when the first has failed', () => {
    const { chosen } = story(context([ARTICLE], { policy: { numRetries: 3 } }), ['server']); // L54
    expect(chosen[3]).toBe('claude');
  });

  it('only the same one is waited for, retry_after at least', () => {
    const of = context([PAIR], { policy: { retryAfterMs: 5_000 } });
    expect(story(of, ['server']).tookMs).toBe(5_000); // L29: a, b, wait, one of them
    const alone = context([LONE], { policy: { retryAfterMs: 5_000 } });
    expect(story(alone, ['server']).tookMs).toBe(10_000);
  });

  it('one that timed out is asked again only when nobody else is left', () => {
    const of = context([PAIR], { policy: { numRetries: 5 } });
    const { chosen } = story(of, ['timeout', 'server']);
    expect(chosen.slice(1).every((id) => id !== chosen[0])).toBe(true);
    expect(story(context([LONE]), ['timeout']).chosen).toEqual(['a', 'a', 'a']);
  });

  it('a failed one is asked while the others cool, but the last attempts are kept for those', () => {
    const of = context([PAIR]);
    const once = after(tried('a', 'server'));
    const cools = [refusal('b', 'cooling', 30_000)];
    expect(asked(step(once, cools, of, 1_000))).toEqual(['a']);
    const twice = after(tried('a', 'server'), tried('a', 'server'));
    expect(step(twice, cools, of, 2_000)).toMatchObject({ do: 'pause', ms: 28_000 });
    const late = context([PAIR], { startByMs: START_MS + 20_000 });
    expect(asked(step(twice, cools, late, 2_000))).toEqual(['a']);
  });

  it('the deadline ends it', () => {
    const of = context([PAIR], { deadlineMs: START_MS + 1_000 });
    expect(reason(step(after(tried('a', 'server')), [], of, 1_000))).toBe('deadline');
    const soon = context([LONE], { deadlineMs: START_MS + 100 });
    expect(reason(step(after(tried('a', 'server')), [], soon))).toBe('attempts_failed'); // no time for a backoff
  });
});

describe('with nobody free', () => {
  it('a wait past the caller’s time is refused, with the earliest return', () => {
    const of = context([PAIR], { startByMs: START_MS + 3_000 });
    const refusals = [refusal('a', 'cooling', 9_000), refusal('b', 'rpm', 4_000)];
    const end = step(after(), refusals, of); // L35
    expect(end).toMatchObject({ do: 'fail', because: { kind: 'no_capacity', retryAfterMs: 4_000 } });
    const patient = context([PAIR]);
    expect(step(after(), refusals, patient)).toMatchObject({ do: 'give_back', untilMs: START_MS + 4_000 }); // L35
  });

  it('who asked to be refused when full, is', () => {
    const of = context([LONE], { rejectWhenFull: true });
    expect(reason(step(after(), [refusal('a', 'rpm', 100)], of))).toBe('no_capacity');
  });

  it.each<[string, Progress, LeaseRefusal[], string | undefined]>([
    [
      'it failed at one that is free',
      after(tried('a', 'context_length', { model: 'small' })),
      [refusal('b', 'cooling', 9_000)],
      undefined,
    ],
    ['it asked for one by its id', after(), [refusal('b', 'cooling', 9_000)], 'b'],
  ])('the gate stays open for the others when %s', (_name, progress, refusals, only) => {
    const of = context([PAIR]);
    const mine: StepContext = { ...of, groupOf: (name) => of.groupOf(name === 'g' && only ? only : name) };
    expect(step(progress, refusals, mine)).toMatchObject({ do: 'pause', ms: 9_000 });
  });

  it('one whose key is wrong is out for the others too', () => {
    const refusals = [refusal('b', 'cooling', 9_000)];
    expect(step(after(tried('a', 'auth')), refusals, context([PAIR]))).toMatchObject({ do: 'give_back' });
  });

  it('an outage is looked at each second, for as long as is configured', () => {
    const of = context([LONE]);
    const open = (inMs: number) => [refusal('a', 'breaker_open', inMs)];
    const first = step(after(), open(5_000), of);
    expect(first).toMatchObject({ do: 'pause', ms: 1_000, progress: { shutSinceMs: START_MS } });
    expect(step(first.progress, open(9_900), of, 9_500)).toMatchObject({ do: 'pause', ms: 400 });
    const end = step(first.progress, open(14_000), of, 10_000);
    expect(end).toMatchObject({ do: 'fail', because: { kind: 'all_out', retryAfterMs: 4_000 } });
  });

  it('an outage that others have waited out before is not waited out anew', () => {
    const of: StepContext = { ...context([LONE]), outSinceMs: START_MS - 9_000 };
    const open = [refusal('a', 'breaker_open', 5_000)];
    expect(step(after(), open, of)).toMatchObject({ do: 'pause', ms: 1_000 });
    expect(step(after(), open, of, 1_000)).toMatchObject({ do: 'fail', because: { kind: 'all_out' } });
    expect(asked(step(after(), [], of, 1_000))).toEqual(['a']);
  });

  it('an outage that is known to last longer is not waited for', () => {
    const end = step(after(), [refusal('a', 'breaker_open', 300_000)], context([LONE]));
    expect(end).toMatchObject({ do: 'fail', because: { kind: 'all_out', retryAfterMs: 300_000 } });
  });

  it('an outage is waited out in the backlog by a job that nobody holds a connection for', () => {
    const of: StepContext = { ...context([LONE]), isPatient: true, startByMs: Infinity };
    const open = (inMs: number) => [refusal('a', 'breaker_open', inMs)];
    const first = step(after(), open(300_000), of);
    expect(first).toMatchObject({ do: 'give_back', untilMs: START_MS + 5_000 });
    expect(step(first.progress, open(300_000), of, 200_000)).toMatchObject({
      do: 'give_back',
      untilMs: START_MS + 205_000,
    });
    expect(step(first.progress, open(200_500), of, 200_000)).toMatchObject({ do: 'pause', ms: 500 });
  });

  it.each([
    ['a call', false, 'attempts_failed'],
    ['a job', true, 'a,b'],
  ])(
    '%s that had failed at everybody before an outage which lasted longer than calls wait',
    (_who, isPatient, does) => {
      const of: StepContext = { ...context([PAIR], { maxAttempts: 3 }), isPatient, startByMs: Infinity };
      const failed = after(tried('a', 'server'), tried('b', 'server', { used: false, atMs: START_MS + 20_000 }));
      const back = step({ ...failed, shutSinceMs: START_MS }, [], of, 40_000);
      expect(back.do === 'fail' ? reason(back) : asked(back).join()).toBe(does);
    },
  );

  it('failed probes do not prolong an outage, and are not the job’s attempts', () => {
    const of = context([LONE], { policy: { outageWaitMs: 3_000 } });
    const { chosen, end, tookMs } = story(of, ['server'], { used: false });
    expect(reason(end)).toBe('all_out');
    expect(chosen.length).toBeGreaterThan(1);
    expect(tookMs).toBeGreaterThan(2_700);
    expect(tookMs).toBeLessThan(6_000);
  });

  it('an attempt that was let through ends the outage', () => {
    const progress = { ...after(tried('a', 'server', { atMs: START_MS + 30_000 })), shutSinceMs: START_MS };
    const of = context([LONE]);
    expect(step(progress, [refusal('a', 'breaker_open', 35_000)], of, 30_000)).toMatchObject({
      do: 'pause',
      progress: { shutSinceMs: START_MS + 30_000 },
    });
  });

  it('429s without end use nothing and are asked at a distance', () => {
    const of = context([LONE], { startByMs: START_MS + 10_000 });
    const { chosen, end, progress } = story(of, ['rate_limit'], { retryAfterMs: 0 });
    expect(reason(end)).toBe('no_capacity');
    expect(chosen.length).toBeLessThanOrEqual(20);
    expect(progress.tried).toHaveLength(1); // kept as one, with their number
    expect(progress.tried[0]!.times).toBe(chosen.length);
  });
});

describe('from group to group', () => {
  const [g, x, y] = [group('g', ['a']), group('x', ['x1']), group('y', ['y1'])];

  it('goes down the list, each with its own retries', () => {
    const of = context([g, x, y], { policy: { fallbacks: lists({ g: ['x', 'y'] }), numRetries: 1 } });
    const { chosen, end, progress } = story(of, ['server']); // L37
    expect(chosen).toEqual(['a', 'a', 'x1', 'x1', 'y1', 'y1']);
    expect(progress.route).toEqual(['g', 'x', 'y']);
    expect(reason(end)).toBe('attempts_failed'); // L45
  });

  it('default_fallbacks serve groups without an entry', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ '*': ['x'] }), numRetries: 0 } });
    expect(story(of, ['server']).chosen).toEqual(['a', 'x1']); // L38
  });

  it('the caller’s list or none beats the configuration’s', () => {
    const configured = { policy: { fallbacks: lists({ g: ['x'] }), numRetries: 0 } };
    expect(story(context([g, x, y], { ...configured, fallbacks: ['y'] }), ['server']).chosen).toEqual(['a', 'y1']);
    expect(story(context([g, x, y], { ...configured, fallbacks: [] }), ['server']).chosen).toEqual(['a']); // L42
  });

  it('a caller’s fallback with a body of its own is another call, in the same group too', () => {
    const fallbacks = [variantName('g', 0), 'x', variantName('x', 2)];
    const of = context([g, x], { fallbacks, policy: { numRetries: 0 } });
    const byModel = { ...of, groupOf: (name: string) => of.groupOf(variantOf(name)?.model ?? name) };
    const { chosen, progress } = story(byModel, ['context_length', 'server'], { model: 'gpt-4o' });
    expect(chosen).toEqual(['a', 'a', 'x1']); // L41: x alone has the model that was too small
    expect(progress.route).toEqual(['g', ...fallbacks]);
  });

  it('max_fallbacks groups at the most', () => {
    const of = context([g, x, y], { policy: { fallbacks: lists({ g: ['x', 'y'] }), numRetries: 0, maxFallbacks: 1 } });
    expect(story(of, ['server']).chosen).toEqual(['a', 'x1']); // L43
  });

  it.each<[string, FailureKind[], string[]]>([
    ['too long for the group: its own list', ['context_length'], ['a', 'x1']],
    ['filtered: its own list', ['content_filter'], ['a', 'y1']],
    ['filtered by a fallback: no shopping on', ['server', 'content_filter', 'server'], ['a', 'general', 'y1']],
    ['refused by a fallback: the end', ['server', 'bad_request'], ['a', 'general']],
  ])('%s', (_name, kinds, expected) => {
    const general = group('general', ['general']);
    const of = context([g, x, y, general], {
      policy: {
        numRetries: 0,
        fallbacks: lists({ g: ['general'] }),
        contextWindowFallbacks: lists({ g: ['x'] }),
        contentPolicyFallbacks: lists({ g: ['y'] }),
      },
    });
    expect(story(of, kinds).chosen).toEqual(expected);
  });

  it('four deployments, two retries, its own group as fallback: the fourth is reached', () => {
    const of = context([ARTICLE], { policy: { fallbacks: lists({ g: ['g'] }) } });
    const { chosen } = story(of, ['server']); // L82; L44: then one more round
    expect(new Set(chosen.slice(0, 4)).size).toBe(4);
    expect(chosen).toHaveLength(8);
    expect(new Set(chosen.slice(4)).size).toBe(4);
  });

  it('a target that is nobody, is the group under another name, or has nobody new is passed over', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ g: ['nobody', 'a', 'x'] }), numRetries: 0 } });
    expect(story(of, ['server']).chosen).toEqual(['a', 'x1']);
  });

  it('leaves a group that is full for longer than 5 s, waits for one that is not', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ g: ['x'] }) } });
    expect(asked(step(after(), [refusal('a', 'cooling', 5_001)], of))).toEqual(['x1']);
    const waits = step(after(), [refusal('a', 'cooling', 4_000)], of);
    expect(waits).toMatchObject({ do: 'give_back', untilMs: START_MS + 4_000, progress: { capacityWaits: 1 } });
    const patient: Progress = { ...after(), capacityWaits: 3 }; // 1 + num_retries
    expect(asked(step(patient, [refusal('a', 'cooling', 4_000)], of))).toEqual(['x1']);
  });

  it('leaves a group at once that failures have shut', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ g: ['x'] }) } });
    expect(asked(step(after(), [refusal('a', 'breaker_open', 500)], of))).toEqual(['x1']);
  });

  it('goes back to a group that was only full, when it is the first to be back', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ g: ['x'] }) } });
    const refusals = [refusal('a', 'cooling', 9_000), refusal('x1', 'cooling', 60_000)];
    const waits = step(after(), refusals, of);
    expect(waits).toMatchObject({ do: 'give_back', untilMs: START_MS + 9_000 });
    const back = step(waits.progress, [], of, 9_000);
    expect(asked(back)).toEqual(['a']);
    expect(back.progress.route).toEqual(['g', 'x']); // entered once
    const failed = { ...back.progress, tried: Array.from({ length: 3 }, () => tried('a', 'server')) };
    expect(step(failed, [], of, 10_000)).toMatchObject({ do: 'pause', ms: 50_000, progress: { here: 'x' } });
  });

  it('goes back to the first of several that are out, when nobody holds a connection for it', () => {
    const of: StepContext = { ...context([g, x], { policy: { fallbacks: lists({ g: ['x'] }) } }), isPatient: true };
    const open = [refusal('a', 'breaker_open', 90_000), refusal('x1', 'breaker_open', 80_000)];
    const waits = step(after(), open, of);
    expect(waits).toMatchObject({ do: 'give_back', untilMs: START_MS + 5_000 });
    expect(asked(step(waits.progress, [], of, 5_000))).toHaveLength(1);
  });

  it('says all_out only when no attempt was made', () => {
    const of = context([g, x], { policy: { fallbacks: lists({ g: ['x'] }), outageWaitMs: 0 } });
    const open = [refusal('a', 'breaker_open', 5_000), refusal('x1', 'breaker_open', 8_000)];
    expect(reason(step(after(), open, of))).toBe('all_out');
    const failed = after(...Array.from({ length: 3 }, () => tried('a', 'server')));
    expect(reason(step(failed, open, of))).toBe('attempts_failed');
  });
});

describe('retry_policy', () => {
  const by = (own: RetryPolicy, more: Partial<RoutingPolicy> = {}): StepContext =>
    context([PAIR, group('x', ['x1'])], { policy: { retryPolicies: new Map([['*', own]]), ...more } });
  const fallbacks = lists({ g: ['x'] });

  it.each<[string, RetryPolicy, FailureKind[], number]>([
    ['no retry after a timeout', { timeout: 0 }, ['timeout'], 1],
    ['four after a 500', { internalServer: 4 }, ['server'], 5],
    ['num_retries for a class that it does not name', { timeout: 0 }, ['server'], 3],
    ['the class of the last failure counts', { internalServer: 4, timeout: 0 }, ['server', 'server', 'timeout'], 3],
    ['a 400, when it asks for that', { badRequest: 1 }, ['bad_request'], 2],
    ['a filtered one, when it asks for that', { contentPolicy: 2 }, ['content_filter'], 3],
  ])('%s', (_name, own, kinds, attempts) => {
    expect(story(by(own), kinds).chosen).toHaveLength(attempts); // L25
  });

  it('the caller’s number beats it', () => {
    const of = { ...by({ internalServer: 4 }), maxAttempts: 2 };
    expect(story(of, ['server']).chosen).toHaveLength(2); // L24
  });

  it('a 400 that is retried falls back as well', () => {
    const { chosen } = story(by({ badRequest: 1 }, { fallbacks }), ['bad_request']);
    expect(chosen.map((id) => (id === 'x1' ? id : 'g'))).toEqual(['g', 'g', 'x1', 'x1']);
  });

  it('RateLimitErrorRetries bounds the 429s, and the waits, of a group that can be left', () => {
    const soon = [refusal('a', 'cooling', 2_000), refusal('b', 'cooling', 2_000)];
    const once = after(tried('a', 'rate_limit', { retryAfterMs: 2_000 }));
    expect(asked(step(once, [], by({ rateLimit: 0 }, { fallbacks })))).toEqual(['x1']);
    expect(asked(step(after(), soon, by({ rateLimit: 0 }, { fallbacks })))).toEqual(['x1']);
    expect(step(after(), soon, by({ rateLimit: 1 }, { fallbacks }))).toMatchObject({ do: 'give_back' });
    expect(step(once, soon, by({ rateLimit: 0 }))).toMatchObject({ do: 'give_back' }); // nowhere else to go
  });
});

describe('a deployment that timed out', () => {
  const [g, x] = [group('g', ['a']), group('x', ['x1'])];
  const of = (own: Partial<RoutingPolicy> = {}): StepContext =>
    context([g, x], { policy: { fallbacks: lists({ g: ['x'] }), ...own } });

  it('is not asked again while another group can serve', () => {
    expect(story(of(), ['timeout', 'server']).chosen).toEqual(['a', 'x1', 'x1', 'x1']);
  });

  it('unless a policy says how often', () => {
    const twice = of({ retryPolicies: new Map([['*', { timeout: 1 }]]) });
    expect(story(twice, ['timeout']).chosen).toEqual(['a', 'a', 'x1', 'x1']);
  });

  it('is asked again when the other group is full for longer', () => {
    const progress = after(tried('a', 'timeout'));
    const waits = step(progress, [refusal('x1', 'cooling', 60_000)], of());
    expect(waits).toMatchObject({ do: 'pause', progress: { here: 'g' } });
    expect(asked(step(waits.progress, [], of(), 1_000))).toEqual(['a']);
  });

  it('or is shut by failures', () => {
    const waits = step(after(tried('a', 'timeout')), [refusal('x1', 'breaker_open', 60_000)], of());
    expect(asked(step(waits.progress, [], of(), 1_000))).toEqual(['a']);
  });
});

describe('couldGoElsewhere', () => {
  const leased = { group: 'g', deployment: 'a' };
  it.each<[string, boolean, StepContext, Progress, LeaseRefusal[]]>([
    ['another of the group', true, context([PAIR]), after(), []],
    ['nobody', false, context([LONE]), after(), []],
    ['another, but no attempt left', false, context([PAIR], { maxAttempts: 1 }), after(), []],
    ['another that was just refused', false, context([PAIR]), after(), [refusal('b', 'breaker_open', 5_000)]],
    ['another that is out for this job', false, context([PAIR]), after(tried('b', 'auth')), []],
    [
      'a fallback group',
      true,
      context([LONE, group('x', ['x1'])], { maxAttempts: 1, policy: { fallbacks: lists({ g: ['x'] }) } }),
      after(),
      [],
    ],
    ['a fallback that the caller forbade', false, context([LONE], { fallbacks: [] }), after(), []],
  ])('%s: %s', (_name, expected, of, progress, refusals) => {
    expect(couldGoElsewhere(progress, leased, refusals, of, START_MS)).toBe(expected);
  });
});
