import { afterTry, leaseStrategyOf, nextStep, strategyOf, type Candidate, type Tried } from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';
import { releaseLease } from './account-attempt.js';
import type { Dispatched } from './dispatch.js';
import { takeLease } from './take-lease.js';

/** Of a deployment's limit per minute a hedge leaves so much to first calls. */
const LEFT_FREE = 0.1;

/**
 * A lease for a second deployment, chosen as if the first had timed out; undefined when there is none, when others wait for
 * capacity, or when the budget of hedges is spent. A hedge takes only what leaves room: never the last place of a
 * deployment, and none that is half-open.
 */
export async function askAnother(
  run: Run,
  first: Dispatched,
  budget: number,
  deps: RunDeps,
): Promise<Dispatched | undefined> {
  if (run.othersWait || run.stop.aborted) return undefined;
  const { context, group, deployment: slow } = first;
  const nowMs = deps.nowMs();
  const timedOut: Tried = { group, deployment: slow.id, kind: 'timeout', message: '', atMs: nowMs, used: true };
  const refusals = deps.budgets.refusals();
  const step = nextStep(afterTry(run.progress, timedOut), refusals, context, nowMs, deps.random);
  if (step.do !== 'ask') return undefined;
  const candidates = step.candidates.filter(
    ({ deployment: { id, maxParallel } }) => id !== slow.id && maxParallel !== 1,
  );
  if (candidates.length === 0 || !(await deps.hedges.take(run.job.group, budget))) return undefined;

  const leaseId = `${run.job.jobId.slice(4)}.${run.epoch}.${run.attempts}h`; // the job's next attempt may ask before it is given back
  const sorting = leaseStrategyOf(step.group, context.choice);
  const reply = await takeLease(leaseId, run.job.tokens, candidates.map(leavingRoom), sorting, deps);
  if (reply.kind === 'refused') return undefined;
  const { deployment } = candidates.find((each) => each.deployment.id === reply.deployment.id)!;
  const leased: Dispatched = {
    kind: 'leased',
    deployment,
    group: step.group.name,
    lease: reply.lease,
    strategy: strategyOf(step.group, context.choice),
    candidates,
    target: step.progress.here,
    progress: step.progress,
    context,
    refusals,
    othersCanServe: () => false,
  };
  if (!reply.lease.isProbe && !run.stop.aborted) return leased;
  await releaseLease(leased, 'unused', deps);
  return undefined;
}

function leavingRoom(candidate: Candidate): Candidate {
  const { deployment } = candidate;
  const { rpm, tpm, maxParallel } = deployment;
  const most = (limit: number | undefined): number | undefined =>
    limit === undefined ? undefined : Math.max(1, Math.floor(limit * (1 - LEFT_FREE)));
  return {
    ...candidate,
    deployment: {
      ...deployment,
      rpm: most(rpm),
      tpm: most(tpm),
      maxParallel: maxParallel === undefined ? undefined : maxParallel - 1,
    },
  };
}
