import fc from 'fast-check';
import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import { consequenceOf, type FailureKind } from '../failure.js';
import type { LeaseState } from '../leases/deployment-state.js';
import { leaseOutcomeOf } from '../leases/lease-outcome.js';
import type { HeldLease, LeaseOutcome, LeaseRefusal } from '../leases/lease.js';
import { settleLease } from '../leases/settle-lease.js';
import { takeLease } from '../leases/take-lease.js';
import { modelOf } from './eligible-deployments.js';
import { nextStep } from './next-step.js';
import { afterTry, attemptsUsed, startOf, triedInRound, type Progress } from './progress.js';
import type { FailReason, Step, StepContext } from './step.js';
import { context, deployment, dice, lists, START_MS } from './test-routing.js';

export type Answer = 'ok' | { kind: FailureKind; tookMs: number; retryAfterMs?: number };

/** One job, and what it meets. */
export interface World {
  groups: ModelGroup[];
  policy: RoutingPolicy;
  answers: (id: string, nth: number) => Answer;
  /** What others have done before. */
  states: { id: string; state: 'cooling' | 'open' | 'out' | 'busy'; forMs: number }[];
  callersFallbacks: readonly string[] | undefined;
  only: string | undefined;
  maxAttempts: number | undefined;
  startInMs: number;
  deadlineInMs: number;
  rejectWhenFull: boolean;
  seed: number;
}

const KINDS = [
  ...(['server', 'server', 'overloaded', 'timeout', 'network', 'malformed', 'stream_broken'] as const),
  ...(['rate_limit', 'rate_limit', 'rate_limit', 'auth', 'quota_exhausted'] as const),
  ...(['bad_request', 'content_filter', 'context_length'] as const),
];

const anAnswer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('ok' as const) },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        kind: fc.constantFrom<FailureKind>(...KINDS),
        tookMs: fc.constantFrom(1, 40, 900, 12_000),
        retryAfterMs: fc.constantFrom(0, 300, 900, 3_000, 20_000, 400_000),
      },
      { requiredKeys: ['kind', 'tookMs'] },
    ),
  },
);

export const worlds: fc.Arbitrary<World> = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    members: fc.array(
      fc.record({
        order: fc.constantFrom(1, 1, 2),
        model: fc.constantFrom('a', 'a', 'b'),
        rpm: fc.constantFrom(undefined, undefined, 1),
        maxParallel: fc.constantFrom(undefined, undefined, 1),
        numRetries: fc.constantFrom(undefined, undefined, undefined, 0, 4),
        cooldownMs: fc.constantFrom(undefined, undefined, undefined, 0, 100, 2_000),
        disabled: fc.constantFrom(undefined, undefined, undefined, undefined, 'no key'),
      }),
      { minLength: 12, maxLength: 12 },
    ),
    scripts: fc.array(fc.array(anAnswer, { minLength: 1, maxLength: 5 }), { minLength: 12, maxLength: 12 }),
    states: fc.array(
      fc.record({
        member: fc.nat(11),
        state: fc.constantFrom('cooling' as const, 'open' as const, 'out' as const, 'busy' as const),
        forMs: fc.constantFrom(100, 900, 4_000, 30_000, 500_000),
      }),
      { maxLength: 5 },
    ),
    fallbacks: fc.array(fc.constantFrom('g0', 'g1', 'g2', 'g1-0', 'g0-1', 'nobody'), { maxLength: 4 }),
    contentPolicy: fc.array(fc.constantFrom('g1', 'g2'), { maxLength: 1 }),
    contextWindow: fc.array(fc.constantFrom('g0', 'g2'), { maxLength: 1 }),
    callersFallbacks: fc.constantFrom(undefined, undefined, undefined, [], ['g2']),
    only: fc.constantFrom(undefined, undefined, undefined, undefined, 'g0-0'),
    numRetries: fc.integer({ min: 0, max: 3 }),
    maxAttempts: fc.constantFrom(undefined, undefined, undefined, 1, 6, 20),
    retryAfterMs: fc.constantFrom(0, 0, 2_000),
    cooldownMs: fc.constantFrom(undefined, undefined, 0, 50, 1_500, 60_000),
    allowedFails: fc.constantFrom(undefined, undefined, 0, 2),
    disableCooldowns: fc.constantFrom(false, false, false, true),
    maxFallbacks: fc.integer({ min: 0, max: 5 }),
    outageWaitMs: fc.constantFrom(0, 1_000, 10_000),
    startInMs: fc.constantFrom(1, 1_000, 30_000, 280_000),
    deadlineInMs: fc.constantFrom(500, 60_000, 600_000),
    rejectWhenFull: fc.constantFrom(false, false, false, true),
    seed: fc.nat(),
  })
  .map((drawn) => {
    let next = 0;
    const scriptOf = new Map<string, Answer[]>();
    const groups = drawn.sizes.map((size, g): ModelGroup => {
      const deployments = Array.from({ length: size }, (_, i) => {
        const own = drawn.members[next]!;
        const id = `g${g}-${i}`;
        scriptOf.set(id, drawn.scripts[next]!);
        next++;
        return deployment(id, { ...own, group: `g${g}`, fullModel: `openai/${own.model}` });
      });
      return { name: `g${g}`, deployments, entries: undefined };
    });
    const ids = [...scriptOf.keys()];
    const { fallbacks, contentPolicy, contextWindow, states } = drawn;
    return {
      ...drawn,
      groups,
      policy: context([], {
        policy: {
          numRetries: drawn.numRetries,
          retryAfterMs: drawn.retryAfterMs,
          cooldownMs: drawn.cooldownMs,
          allowedFails: drawn.allowedFails,
          disableCooldowns: drawn.disableCooldowns,
          maxFallbacks: drawn.maxFallbacks,
          outageWaitMs: drawn.outageWaitMs,
          fallbacks: fallbacks.length === 0 ? new Map() : lists({ g0: fallbacks }),
          contentPolicyFallbacks: contentPolicy.length === 0 ? new Map() : lists({ g0: contentPolicy }),
          contextWindowFallbacks: contextWindow.length === 0 ? new Map() : lists({ g0: contextWindow }),
        },
      }).policy,
      answers: (id: string, nth: number) => {
        const script = scriptOf.get(id)!;
        return script[Math.min(nth, script.length - 1)]!;
      },
      states: states.map(({ member, ...state }) => ({ ...state, id: ids[member % ids.length]! })),
    };
  });

/** A call as the world saw it. */
export interface Call {
  deployment: Deployment;
  candidates: Deployment[];
  /** Of the group, not failed, not refused since the last wait, not told to wait a moment ago. */
  freshElsewhere: string[];
  here: string;
  round: Progress['round'];
  roundUsed: number;
  wanted: number;
  fromMs: number;
  toMs: number;
  kind: FailureKind | 'ok';
  before: { kind: FailureKind | 'ok'; here: string } | undefined;
}

/** Drives the job until it ends, as the pipeline's `dispatch` does. */
export function play(world: World) {
  const given = context(world.groups, {
    policy: world.policy,
    fallbacks: world.callersFallbacks,
    maxAttempts: world.maxAttempts,
    startByMs: START_MS + Math.min(world.startInMs, world.deadlineInMs),
    deadlineMs: START_MS + world.deadlineInMs,
    rejectWhenFull: world.rejectWhenFull,
  });
  const ctx: StepContext = {
    ...given,
    groupOf: (name) => given.groupOf(name === 'g0' && world.only !== undefined ? world.only : name),
  };
  const state: LeaseState = new Map();
  prepare(state, world);
  const random = dice(world.seed);
  const nth = new Map<string, number>();
  const calls: Call[] = [];
  const steps: { step: Step; nowMs: number; isGroupShut: boolean; sawFull: boolean }[] = [];
  let nowMs = START_MS;
  let progress = startOf('g0');
  let refusals: LeaseRefusal[] = [];
  let end: FailReason | 'ok' | undefined;

  for (let i = 0; i < 20_000 && end === undefined; i++) {
    const step = nextStep(progress, refusals, ctx, nowMs, random);
    steps.push({
      step,
      nowMs,
      isGroupShut: step.do === 'give_back' && isShut('g0'),
      sawFull: refusals.some((r) => isFull(r)),
    });
    progress = JSON.parse(JSON.stringify(step.progress)) as Progress; // as a requeue keeps it
    switch (step.do) {
      case 'ask': {
        must(step.candidates.length > 0, 'somebody is asked');
        must(
          step.candidates.every((c) => !refusals.some((r) => r.deploymentId === c.deployment.id)),
          'nobody is asked twice without a wait',
        );
        const asked = lease(step.candidates, i);
        if (asked.taken) end = call(step, asked.lease);
        else refusals = [...refusals, ...asked.refusals];
        break;
      }
      case 'pause':
        nowMs += step.ms;
        refusals = [];
        break;
      case 'give_back':
        nowMs = Math.max(nowMs, step.untilMs) + Math.floor(random() * 50);
        refusals = [];
        break;
      case 'fail':
        end = step.because;
    }
  }
  return { context: ctx, calls, steps, progress, end, nowMs };

  function lease(candidates: Extract<Step, { do: 'ask' }>['candidates'], i: number) {
    return takeLease(
      state,
      {
        group: candidates[0]!.deployment.group,
        leaseId: `lease-${i}`,
        strategy: 'in-order',
        tokens: 10,
        candidates: candidates.map(({ deployment: d, tier }) => ({
          id: d.id,
          order: tier,
          rpm: d.rpm ?? 0,
          tpm: 0,
          maxParallel: d.maxParallel ?? 0,
        })),
        probeEveryWhenAllOpenMs: 2_000,
      },
      nowMs,
    );
  }

  function call({ group, candidates }: Extract<Step, { do: 'ask' }>, held: HeldLease): 'ok' | undefined {
    const asked = candidates.find((c) => c.deployment.id === held.deploymentId)!.deployment;
    const times = nth.get(asked.id) ?? 0;
    nth.set(asked.id, times + 1);
    const answer = world.answers(asked.id, times);
    const target = ctx.groupOf(progress.here)!;
    const roundUsed = attemptsUsed(triedInRound(progress));
    const lastAsked = progress.tried.at(-1)?.deployment;
    const own = group.deployments.find((d) => d.id === lastAsked)?.numRetries;
    const failed = new Set(progress.tried.flatMap((t) => (t.kind === 'rate_limit' ? [] : [t.deployment])));
    const models = new Set(progress.tried.flatMap((t) => (t.kind === 'context_length' ? [t.model] : [])));
    const made: Call = {
      deployment: asked,
      candidates: candidates.map((c) => c.deployment),
      freshElsewhere: target.group.deployments
        .filter((d) => d.disabled === undefined && (target.only === undefined || target.only.includes(d.id)))
        .filter((d) => !failed.has(d.id) && !models.has(modelOf(d)))
        .filter((d) => !refusals.some((r) => r.deploymentId === d.id))
        .filter((d) => !progress.tried.some((t) => t.deployment === d.id && t.kind === 'rate_limit'))
        .map((d) => d.id),
      here: progress.here,
      round: progress.round,
      roundUsed,
      wanted: ctx.maxAttempts ?? (own ?? ctx.policy.numRetries) + 1,
      fromMs: nowMs,
      toMs: nowMs,
      kind: 'ok',
      before: calls.at(-1),
    };
    calls.push(made);
    const rules = {
      allowedFails: world.policy.allowedFails,
      cooldownMs: asked.cooldownMs ?? world.policy.cooldownMs,
      disableCooldowns: world.policy.disableCooldowns,
    };
    const isLate = answer !== 'ok' && nowMs + answer.tookMs > ctx.deadlineMs;
    const failure = isLate ? { kind: 'timeout' as const, tookMs: ctx.deadlineMs - nowMs } : answer;
    nowMs += failure === 'ok' ? 20 : failure.tookMs;
    made.toMs = nowMs;
    refusals = [];
    if (failure === 'ok') return 'ok';
    made.kind = failure.kind;
    settleLease(state, held, leaseOutcomeOf(failure, rules), nowMs);
    const { usesAttempt } = consequenceOf(failure);
    progress = afterTry(progress, {
      group: group.name,
      deployment: asked.id,
      kind: failure.kind,
      message: '',
      atMs: nowMs,
      used: usesAttempt && !held.isProbe,
      ...('retryAfterMs' in failure ? { retryAfterMs: failure.retryAfterMs } : {}),
      ...(failure.kind === 'context_length' ? { model: modelOf(asked) } : {}),
    });
    return undefined;
  }

  function isShut(name: string): boolean {
    const { deployments } = world.groups.find((g) => g.name === name)!;
    return deployments.every((d) => {
      if (d.disabled !== undefined) return true;
      const copy = structuredClone(state);
      const limits = { order: 1, rpm: d.rpm ?? 0, tpm: 0, maxParallel: d.maxParallel ?? 0 };
      const ask = { group: name, leaseId: 'look', strategy: 'in-order' as const, tokens: 10 };
      return !takeLease(copy, { ...ask, candidates: [{ id: d.id, ...limits }], probeEveryWhenAllOpenMs: 0 }, nowMs)
        .taken;
    });
  }
}

const isFull = ({ verdict }: LeaseRefusal): boolean => verdict !== 'breaker_open' && verdict !== 'probing';

function prepare(state: LeaseState, { states, groups }: World): void {
  const rules = { allowedFails: undefined, cooldownMs: undefined, disableCooldowns: false };
  for (const [i, { id, state: which, forMs }] of states.entries()) {
    const limits = { order: 1, rpm: 0, tpm: 0, maxParallel: 0 };
    const taken = takeLease(
      state,
      {
        group: groups[0]!.name,
        leaseId: `before-${i}`,
        strategy: 'in-order',
        tokens: 1,
        candidates: [{ id, ...limits }],
        probeEveryWhenAllOpenMs: 0,
      },
      START_MS - 1,
    );
    if (!taken.taken || which === 'busy') continue; // a busy one frees its slot when the lease runs out
    const about = { reason: 'others', rules };
    const outcomes: Record<'cooling' | 'open' | 'out', LeaseOutcome> = {
      cooling: { kind: 'cools', retryAfterMs: forMs, ...about },
      open: { kind: 'failed', ...about, rules: { ...rules, allowedFails: 0, cooldownMs: forMs } },
      out: { kind: 'out', ...about },
    };
    settleLease(state, taken.lease, outcomes[which], START_MS - 1);
  }
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken: ${what}`);
}
