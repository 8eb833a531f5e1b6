import {
  couldGoElsewhere,
  isFirstIn,
  isRetryIn,
  leaseStrategyOf,
  nextStep,
  resolveModel,
  strategyOf,
  variantOf,
  type Candidate,
  type Choice,
  type Deployment,
  type FailReason,
  type HeldLease,
  type LeaseRefusal,
  type Progress,
  type StepContext,
  type Strategy,
  type TargetGroup,
} from '@sluice/core';
import { answerTokens } from '../inference-job.js';
import type { Run, RunDeps } from '../run-deps.js';
import { callOfTarget } from './call-of-target.js';
import { fitting, traitsOf } from './fit.js';
import { writeProgress } from './kept-progress.js';
import { pause } from './pause.js';
import { retryTurnsOf } from './retry-turns.js';
import { takeLease } from './take-lease.js';
import { supportOf, type Support, type UnsupportedParam } from './support.js';

export interface Dispatched {
  kind: 'leased';
  deployment: Deployment;
  /** The group it serves for: the asked one, or a fallback. */
  group: string;
  lease: HeldLease;
  /** By which it was chosen. */
  strategy: Strategy;
  /** It was one of these. */
  candidates: readonly Candidate[];
  /** As the job's progress names what it serves for. */
  target: string;
  /** What holds from then on. */
  progress: Progress;
  context: StepContext;
  /** These could not be asked then. */
  refusals: readonly LeaseRefusal[];
  /** Another deployment could be asked if this one failed: a slow first token may be cut off. */
  othersCanServe: () => boolean;
}

type Dispatch =
  | Dispatched
  | { kind: 'no_capacity_now'; untilMs: number }
  | { kind: 'failed'; because: FailReason | UnsupportedParam }
  | { kind: 'stopped' }
  /** Another run has begun, or it was cancelled, while this one waited. */
  | { kind: 'stale' }
  | { kind: 'cancelled' };

/** Finds a deployment that may serve now and leases it; or says why there is none. Core decides, this asks and waits. */
export async function dispatch(run: Run, deps: RunDeps): Promise<Dispatch> {
  const support = supportOf(run.call, deps.providers);
  let asked = run.job.group; // home of those who were asked last
  const context = contextOf(run, deps, support, (what) => deps.waitingRoom.hasPlace(asked, what));
  const refused = support.refusedBy(context.groupOf(run.job.group));
  if (refused !== undefined) return { kind: 'failed', because: refused };
  const knownRefusals = (): LeaseRefusal[] => [...deps.budgets.refusals(), ...deps.slots.refusals(run.job.group)];
  let refusals = knownRefusals();
  const retryTurn = retryTurnsOf(deps);
  /** The record is looked at before each provider call: a worker may have stood still for longer than the pause. */
  const rest = async (until: Promise<void>): Promise<'go' | 'stale' | 'cancelled'> => {
    await until;
    refusals = knownRefusals();
    if (run.stop.aborted) return 'go';
    return deps.records.note(run.job.group, run.job.jobId, run.epoch, writeProgress(run));
  };
  for (;;) {
    if (run.stop.aborted) return { kind: 'stopped' };
    const step = nextStep(run.progress, refusals, context, deps.nowMs(), deps.random);
    run.progress = step.progress;
    switch (step.do) {
      case 'ask': {
        const isRetry = isRetryIn(step.group.name, run.progress);
        const turnInMs = isRetry ? await retryTurn(step.group.name) : 0;
        if (turnInMs > 0) {
          await run.earlyLease?.close();
          const verdict = await rest(pause(turnInMs, run.stop));
          if (verdict !== 'go') return { kind: verdict };
          break;
        }
        asked = step.candidates[0]!.deployment.group;
        const sorting = leaseStrategyOf(step.group, context.choice);
        const leaseId = `${run.job.jobId.slice(4)}.${run.epoch}.${run.attempts}`;
        const early = await run.earlyLease?.answerFor(step.candidates);
        const reply = early ?? (await takeLease(leaseId, run.job.tokens, step.candidates, sorting, deps));
        if (reply.kind === 'refused') {
          refusals = [...refusals, ...reply.refusals];
          break;
        }
        if (isFirstIn(step.group.name, run.progress)) deps.retries.countFirstCall(step.group.name);
        const { deployment, lease } = reply;
        const leased = { group: step.group.name, deployment: deployment.id };
        const othersCanServe = (): boolean => couldGoElsewhere(run.progress, leased, refusals, context, deps.nowMs());
        const strategy = strategyOf(step.group, context.choice);
        const { candidates } = step;
        return {
          kind: 'leased',
          deployment,
          group: step.group.name,
          lease,
          strategy,
          candidates,
          target: step.progress.here,
          progress: step.progress,
          context,
          refusals,
          othersCanServe,
        };
      }
      case 'pause': {
        const until =
          step.for === 'time' ? pause(step.ms, run.stop) : deps.waitingRoom.wait(asked, step.for, step.ms, run.stop);
        const verdict = await rest(until);
        if (verdict !== 'go') return { kind: verdict };
        break;
      }
      case 'give_back':
        return { kind: 'no_capacity_now', untilMs: step.untilMs };
      case 'fail':
        return { kind: 'failed', because: step.because };
    }
  }
}

function contextOf(
  run: Run,
  deps: RunDeps,
  support: Support,
  mayWaitInPlace: StepContext['mayWaitInPlace'],
): StepContext {
  const { job, call } = run;
  const { models, policy, isStrict, seen } = deps;
  const known = new Map<string, TargetGroup | undefined>();
  const traits = traitsOf(job, call, deps.providers);
  const groupOf = (target: string): TargetGroup | undefined => {
    if (known.has(target)) return known.get(target);
    const name = target === job.group ? (job.routed ?? job.model) : (variantOf(target)?.model ?? target);
    let resolved = resolveModel(models, name, isStrict);
    // An api with a newer configuration may know an alias that this worker does not: it named the group.
    if (resolved.kind !== 'found' && target === job.group) resolved = resolveModel(models, job.group, isStrict);
    const its = callOfTarget(run, target, deps);
    const isOwn = its === call;
    const able = isOwn ? support : supportOf(its, deps.providers);
    const found =
      resolved.kind === 'found'
        ? fitting(
            able.within(resolved.group, resolved.only),
            isOwn ? traits : traitsOf(job, its, deps.providers),
            policy,
          )
        : undefined;
    known.set(target, found);
    return found;
  };
  const { maxAttempts, fallbacks, deadlineMs, rejectWhenFull, durable } = job;
  const startByMs = durable === undefined ? job.startByMs : Infinity; // its queue time or its deadline ends it
  const outputTokens = answerTokens(call.body);
  const choice: Choice = {
    strategy: policy.strategy,
    stream: job.stream,
    inputTokens: Math.max(0, job.tokens - outputTokens),
    outputTokens,
    stickTo: job.stickTo,
    seen: seen.of,
  };
  const { model } = job;
  return {
    policy,
    choice,
    groupOf,
    model,
    maxAttempts,
    fallbacks,
    startByMs,
    deadlineMs,
    rejectWhenFull,
    isPatient: durable !== undefined,
    outSinceMs: deps.outages.sinceMs(job.group, job.acceptedAtMs, deps.nowMs()),
    mayWaitInPlace,
  };
}
