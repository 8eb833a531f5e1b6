import {
  nextStep,
  resolveModel,
  stepAfterRefusal,
  type Deployment,
  type FailReason,
  type HeldLease,
  type LeaseRefusal,
  type ModelGroup,
  type Step,
  type StepContext,
} from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';

export interface Dispatched {
  kind: 'leased';
  deployment: Deployment;
  /** The group it serves for: the asked one, or a fallback. */
  group: string;
  lease: HeldLease;
  /** Another deployment or group could still serve: a slow first token may be cut off. */
  othersCanServe: boolean;
}

type Dispatch =
  | Dispatched
  | { kind: 'no_capacity_now'; untilMs: number }
  | { kind: 'failed'; because: FailReason }
  | { kind: 'stopped' };

/** While all deployments of a group are open, each may be probed so often. */
const PROBE_EVERY_MS = 2_000;

/** Finds a deployment that may serve now and leases it; or says why there is none. Core decides, this asks and waits. */
export async function dispatch(run: Run, deps: RunDeps): Promise<Dispatch> {
  const context = contextOf(run, deps);
  let step: Step = nextStep(run.progress, context, deps.nowMs(), deps.random);
  for (;;) {
    if (run.stop.aborted) return { kind: 'stopped' };
    run.progress = step.progress;
    switch (step.do) {
      case 'ask': {
        const { group, candidates } = step;
        const asked = await takeLease(run, candidates, deps);
        if (asked.kind === 'taken') {
          const othersCanServe = candidates.length > 1 || hasFallback(run, context, deps);
          return {
            kind: 'leased',
            deployment: asked.deployment,
            group: group.name,
            lease: asked.lease,
            othersCanServe,
          };
        }
        step = stepAfterRefusal(run.progress, asked.refusals, context, deps.nowMs(), deps.random);
        break;
      }
      case 'pause':
        await pause(step.ms, run.stop);
        step = nextStep(run.progress, context, deps.nowMs(), deps.random);
        break;
      case 'give_back':
        return { kind: 'no_capacity_now', untilMs: step.untilMs };
      case 'fail':
        return { kind: 'failed', because: step.because };
    }
  }
}

function contextOf({ job }: Run, { models, policy, isStrict }: RunDeps): StepContext {
  const groupOf = (target: string): { group: ModelGroup; only: readonly string[] | undefined } | undefined => {
    const resolved = resolveModel(models, target === job.group ? job.model : target, isStrict);
    return resolved.kind === 'found' ? { group: resolved.group, only: resolved.only } : undefined;
  };
  return {
    policy,
    groupOf,
    only: undefined,
    maxAttempts: job.maxAttempts,
    fallbacks: job.fallbacks,
    startByMs: job.startByMs,
    rejectWhenFull: job.rejectWhenFull,
  };
}

type Asked =
  { kind: 'taken'; deployment: Deployment; lease: HeldLease } | { kind: 'refused'; refusals: LeaseRefusal[] };

/** One script for each home group among the candidates, in their order: nearly always one. */
async function takeLease(run: Run, candidates: Deployment[], { leases, breakers, policy }: RunDeps): Promise<Asked> {
  const refusals: LeaseRefusal[] = [];
  const leaseId = `${run.job.jobId.slice(4)}.${run.epoch}.${run.attempts}`;
  for (let from = 0; from < candidates.length;) {
    const group = candidates[from]!.group;
    let to = from + 1;
    while (to < candidates.length && candidates[to]!.group === group) to++;
    const here = candidates.slice(from, to);
    const reply = await leases.take({
      group,
      leaseId,
      strategy: policy.strategy === 'least-busy' ? 'least-busy' : 'in-order',
      tokens: run.job.tokens,
      candidates: here.map(({ id, order, rpm, tpm, maxParallel }) => ({
        id,
        order,
        rpm: rpm ?? 0,
        tpm: tpm ?? 0,
        maxParallel: maxParallel ?? 0,
      })),
      probeEveryWhenAllOpenMs: PROBE_EVERY_MS,
    });
    if (reply.taken) {
      const deployment = here.find((d) => d.id === reply.lease.deploymentId)!;
      if (!reply.lease.isProbe) breakers.sync(deployment.id, 'closed');
      return { kind: 'taken', deployment, lease: reply.lease };
    }
    refusals.push(...reply.refusals);
    from = to;
  }
  return { kind: 'refused', refusals };
}

/** Whether a job that loses this attempt could go to another group. */
function hasFallback(run: Run, context: StepContext, { policy }: RunDeps): boolean {
  const { route } = run.progress;
  const targets = context.fallbacks ?? policy.fallbacks.get(route[0]!) ?? policy.fallbacks.get('*') ?? [];
  return targets.some((target) => !route.includes(target));
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
  });
}
