import {
  afterTry,
  breakerRulesOf,
  limitWordOf,
  type BreakerRules,
  consequenceOf,
  consideredOf,
  costUsdNanos,
  isCallersTimeout,
  leaseOutcomeOf,
  modelOf,
  type Failure,
  type LeaseOutcome,
  type Tried,
} from '@sluice/core';
import type { Usage } from '@sluice/providers';
import type { Run, RunDeps } from '../run-deps.js';
import { attemptNotes } from './attempt-notes.js';
import { writeProgress } from './kept-progress.js';
import type { Attempt, FailedAttempt } from './attempt.js';
import type { Dispatched } from './dispatch.js';

/**
 * Gives the lease back with what the attempt was worth, for everybody to see, and for a failed one notes how far the job
 * has come. Returns whether the job may go on.
 */
export async function accountAttempt(
  run: Run,
  dispatched: Dispatched,
  attempt: Attempt,
  deps: RunDeps,
): Promise<'go' | 'stale' | 'cancelled'> {
  const { deployment, lease } = dispatched;
  if (attempt.kind === 'answered') {
    const { usage } = attempt;
    const tokens = usage === undefined ? undefined : usage.prompt + usage.completion;
    await deps.breakers.record(deployment.id, 'success');
    const rules = breakerRulesOf(deployment, deps.policy);
    const about = { ...(tokens === undefined ? {} : { tokens }), ...saidOf(attempt, dispatched, rules, deps) };
    const notes = attemptNotes(run, dispatched, attempt, false, deps);
    await settle(dispatched, { kind: 'succeeded', ...about, rules, notes }, deps);
    return 'go';
  }

  const { failure } = attempt;
  const isBlameless = isCallersTimeout(failure, run.job, deployment, deps.policy);
  const countsAgainstBreaker = consequenceOf(failure).countsAgainstBreaker && !isBlameless;
  deps.emit('attempt.failed', {
    jobId: run.job.jobId,
    deployment: deployment.id,
    kind: failure.kind,
    ...(failure.status === undefined ? {} : { status: failure.status }),
    durationMs: Math.round(attempt.durationMs),
    detail: failure.phase ?? failure.code ?? (failure.kind === 'network' ? failure.message : ''), // the socket's words
  });
  const rules = breakerRulesOf(deployment, deps.policy, failure.kind);
  // A class that is counted apart is no part of the error rate either.
  const isFed = countsAgainstBreaker && rules.countsAs === undefined;
  const { tripped } = await deps.breakers.record(deployment.id, isFed ? 'failure' : 'neutral');
  const tokens = tokensOf(attempt);
  const used = tokens === undefined ? {} : { tokens };
  const outcome: LeaseOutcome = {
    ...(isBlameless
      ? ({ kind: 'neutral', rules, ...used } as const)
      : leaseOutcomeOf(failure, rules, { tripped, ...used })),
    ...saidOf(attempt, dispatched, rules, deps),
    notes: attemptNotes(run, dispatched, attempt, isBlameless, deps),
  };
  const isOurs = failure.kind === 'cancelled' || failure.kind === 'client_gone'; // says nothing to the job's next run
  if (!isOurs) {
    run.progress = afterTry(run.progress, triedOf(failure, dispatched, deps.nowMs()));
  }
  const [, verdict] = await Promise.all([
    settle(dispatched, outcome, deps),
    run.stop.aborted ? ('go' as const) : deps.records.note(run.job.group, run.job.jobId, run.epoch, writeProgress(run)),
  ]);
  return verdict;

  function triedOf({ kind, message, status, retryAfterMs, param }: Failure, to: Dispatched, atMs: number): Tried {
    return {
      group: to.group,
      deployment: to.deployment.id,
      kind,
      message: message.slice(0, 500),
      ...(status === undefined ? {} : { status }),
      atMs,
      used: consequenceOf({ kind }).usesAttempt && !lease.isProbe, // a failed half-open probe is not the job's fault
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(param === undefined ? {} : { param }),
      considered: consideredOf(to.candidates, to.deployment.id, to.refusals),
      ...(kind === 'context_length' ? { model: modelOf(to.deployment) } : {}),
    };
  }
}

/** What an error answer used: nothing. What a broken answer used: as far as the provider said; else what was reserved stays. */
function tokensOf({ failure, usage }: FailedAttempt): number | undefined {
  if (usage !== undefined) return usage.prompt + usage.completion;
  return failure.status !== undefined || failure.kind === 'network' ? 0 : undefined;
}

/** The provider's word on its own limits, where it says that little is left, or lifts what it said before. */
function saidOf(
  { limits }: Attempt,
  { deployment, lease }: Dispatched,
  rules: BreakerRules,
  { nowMs }: RunDeps,
): Pick<LeaseOutcome, 'said'> | undefined {
  if (limits === undefined || rules.disableCooldowns || rules.cooldownMs === 0) return undefined;
  return { said: limitWordOf(limits, lease, deployment, nowMs()) };
}

/** For an attempt that broke off in ourselves (`neutral`) or was never made (`unused`): it says nothing about the deployment. */
export async function releaseLease(dispatched: Leased, kind: 'neutral' | 'unused', deps: RunDeps): Promise<void> {
  await settle(dispatched, { kind, rules: breakerRulesOf(dispatched.deployment, deps.policy) }, deps);
}

/** The other of two that were asked was quicker: that says nothing about this one. It was paid for: its prompt at least. */
export async function settleLoser(dispatched: Dispatched, usage: Usage, deps: RunDeps): Promise<void> {
  const { deployment } = dispatched;
  const cost = deployment.prices && costUsdNanos(deployment.prices, usage);
  const notes = cost === undefined ? [] : deps.budgets.notesFor(deployment.id, cost);
  const rules = breakerRulesOf(deployment, deps.policy);
  await settle(dispatched, { kind: 'neutral', rules, tokens: usage.prompt, notes }, deps);
}

type Leased = Pick<Dispatched, 'deployment' | 'group' | 'lease'>;

async function settle({ deployment, group, lease }: Leased, outcome: LeaseOutcome, deps: RunDeps): Promise<void> {
  deps.slots.giveBack(lease.leaseId);
  const { stateAfter, untilMs, changed } = await deps.leases.settle(lease, outcome);
  deps.waitingRoom.slotFree(lease.group);
  deps.breakers.sync(deployment.id, stateAfter === 'open' ? 'open' : 'closed');
  const reason = 'reason' in outcome ? outcome.reason : '';
  if (changed === 'opened' && outcome.kind === 'out') {
    deps.emit('deployment.out', { deployment: deployment.id, group, kind: reason, untilMs });
  } else if (changed === 'opened')
    deps.emit('deployment.opened', { deployment: deployment.id, group, reason, untilMs });
  else if (changed === 'cooled') deps.emit('deployment.cooled', { deployment: deployment.id, group, reason, untilMs });
  else if (changed === 'closed') deps.emit('deployment.closed', { deployment: deployment.id, group });
}
