import {
  leaseStrategyOf,
  nextStep,
  startOf,
  strategyOf,
  type Candidate,
  type LeaseAsk,
  type StepContext,
  type Strategy,
} from '@sluice/core';
import type { JobTurn } from '@sluice/queue';
import type { EarlyLease, RunDeps } from '../run-deps.js';
import { releaseLease } from './account-attempt.js';
import { takeLease } from './take-lease.js';

/** Undefined: it cannot be asked for before the record is read. */
export function askEarly(group: string, { jobId, fed, token, tokens }: JobTurn, deps: RunDeps): EarlyLease | undefined {
  if (tokens === undefined) return undefined;
  const first = firstStep(group, deps);
  if (first === undefined) return undefined;
  const { candidates, strategy } = first;
  const asking = takeLease(`${jobId.slice(4)}.${fed}.${token}`, tokens, candidates, strategy, deps);
  asking.catch(() => undefined); // told to whoever wants the answer
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    const asked = await asking.catch(() => undefined);
    if (asked?.kind === 'taken') await releaseLease({ ...asked, group }, 'unused', deps).catch(() => undefined);
  };
  return {
    close,
    answerFor: async (wanted) => {
      if (!isOpen) return undefined;
      if (!areSame(wanted, candidates)) {
        await close();
        return undefined;
      }
      isOpen = false;
      return asking;
    },
  };
}

/** Undefined: nobody could serve, or whom to prefer depends on the call. */
function firstStep(
  name: string,
  { models, policy, budgets, slots, nowMs, random }: RunDeps,
): { candidates: readonly Candidate[]; strategy: LeaseAsk['strategy'] } | undefined {
  const group = models.groups.get(name);
  if (group === undefined) return undefined;
  const target = { group, only: undefined };
  const context: StepContext = {
    policy,
    choice: { ...OF_ANY_CALL, strategy: policy.strategy },
    groupOf: () => target,
    maxAttempts: undefined,
    fallbacks: [],
    startByMs: Infinity,
    deadlineMs: Infinity,
    rejectWhenFull: false,
    mayWaitInPlace: () => false,
  };
  const step = nextStep(startOf(name), [...budgets.refusals(), ...slots.refusals(name)], context, nowMs(), random);
  if (step.do !== 'ask') return undefined;
  const { candidates } = step;
  if (candidates.length > 1 && !SAME_FOR_ALL.has(strategyOf(group, context.choice).name)) return undefined;
  const home = candidates[0]!.deployment.group;
  // Several homes are several slots, and may be several trips: not before it is known that they are needed.
  if (candidates.some(({ deployment }) => deployment.group !== home)) return undefined;
  return { candidates, strategy: leaseStrategyOf(group, context.choice) };
}

const SAME_FOR_ALL = new Set<Strategy['name']>([
  'simple-shuffle',
  'least-busy',
  'usage-based-routing',
  'usage-based-routing-v2',
]);
const OF_ANY_CALL = { stream: false, inputTokens: 0, outputTokens: 0, stickTo: undefined, seen: () => undefined };

/** Any order will do: both were drawn by the same rule. */
function areSame(some: readonly Candidate[], others: readonly Candidate[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ deployment }) => others.some((other) => other.deployment === deployment))
  );
}
