import type { JobTurn, RunEnd, RunHooks } from '@sluice/queue';
import { accountAttempt, releaseLease } from './steps/account-attempt.js';
import { beginRun } from './steps/begin-run.js';
import { callProvider } from './steps/call-provider.js';
import { dispatch } from './steps/dispatch.js';
import { failureOutcome, type Because, type FinishedRun } from './steps/failure-outcome.js';
import { finishRun } from './steps/finish-run.js';
import { goOn } from './steps/go-on.js';
import { midstreamOf } from './steps/midstream-of.js';
import { mockCall } from './steps/mock-call.js';
import type { FailedAttempt } from './steps/attempt.js';
import { requeueRun } from './steps/requeue-run.js';
import type { Run, RunDeps } from './run-deps.js';

/**
 * The worker's half of the main path.
 *
 *     begin (fence) ─► [ dispatch ─► call provider, relay tokens ─► account ]* ─► finish
 *                          │                                        └─► broken off after content: the next goes on with it
 *                          └─► nothing free: back to the backlog
 *
 * A job is run as often as it takes: each run begins under a new epoch, and a terminal record ends them all.
 */
export async function runInference(
  group: string,
  turn: JobTurn,
  stop: AbortSignal,
  hooks: RunHooks,
  deps: RunDeps,
): Promise<RunEnd> {
  const begun = await beginRun(group, turn, stop, deps);
  if (begun.kind === 'nothing_to_do') return { kind: 'over', othersWait: false };
  if (begun.kind === 'suspect') return { kind: 'suspect', othersWait: false };
  const { run } = begun;
  try {
    if (begun.kind === 'ended') return await finishRun(run, begun.end, deps);
    return await runToItsEnd(run, hooks, deps).catch((surprise: unknown) => endBroken(run, surprise, deps));
  } finally {
    await run.earlyLease?.close();
  }
}

async function runToItsEnd(run: Run, hooks: RunHooks, deps: RunDeps): Promise<RunEnd> {
  const { stop } = run;
  const mocked = await mockCall(run, deps);
  if (mocked?.kind === 'answered') {
    return finishRun(run, { state: 'completed', attempt: mocked, accounting: Promise.resolve() }, deps);
  }
  if (run.isCommitted) {
    const ended = await endUnlessGoesOn(undefined);
    if (ended !== undefined) return ended;
  }
  for (;;) {
    const dispatched = await dispatch(run, deps);
    if (dispatched.kind === 'stopped') return endStopped();
    if (dispatched.kind === 'stale') return { kind: 'over', othersWait: run.othersWait };
    if (dispatched.kind === 'cancelled') return finishRun(run, CANCELLED, deps);
    if (dispatched.kind === 'no_capacity_now') return requeueRun(run, { untilMs: dispatched.untilMs }, deps);
    if (dispatched.kind === 'failed')
      return finishRun(run, failureOutcome(run, becauseOf(run, dispatched.because)), deps);

    if (stop.aborted) {
      await releaseLease(dispatched, 'unused', deps);
      return endStopped();
    }
    if (!deps.slots.take(run.job.group, dispatched.deployment.id, dispatched.lease.leaseId)) {
      await releaseLease(dispatched, 'unused', deps); // others took theirs meanwhile: dispatch asks somebody else
      continue;
    }
    if (run.othersWait) hooks.feedMore();
    const { dispatched: asked, attempt } = await callProvider(run, dispatched, deps);
    const accounting = accountAttempt(run, asked, attempt, deps);
    accounting.catch(() => undefined); // told by whoever awaits it, which may be a moment later
    if (attempt.kind === 'answered') return finishRun(run, { state: 'completed', attempt, accounting }, deps);
    const verdict = await accounting;
    if (stop.aborted) return endStopped();
    if (verdict === 'stale') return { kind: 'over', othersWait: run.othersWait };
    if (verdict === 'cancelled') return finishRun(run, CANCELLED, deps);
    if (attempt.isCommitted || attempt.failure.kind === 'departed') {
      const ended = await endUnlessGoesOn(attempt);
      if (ended !== undefined) return ended;
    }
  }

  /** Content is out and its answer broke off: undefined when the next attempt may go on with it. */
  async function endUnlessGoesOn(broken: FailedAttempt | undefined): Promise<RunEnd | undefined> {
    run.brokenBy = broken?.failure ?? run.brokenBy;
    const verdict = await goOn(run, broken?.usage, deps);
    if (verdict === 'go') return undefined;
    if (verdict === 'stale') return { kind: 'over', othersWait: run.othersWait };
    return finishRun(run, verdict === 'cancelled' ? CANCELLED : failureOutcome(run, interrupted(run)), deps);
  }

  function endStopped(): Promise<RunEnd> | RunEnd {
    if (stop.reason === 'cancelled') return finishRun(run, CANCELLED, deps);
    if (stop.reason === 'stale') return { kind: 'over', othersWait: run.othersWait };
    if (run.isCommitted && midstreamOf(run, deps) === 'error') {
      return finishRun(run, failureOutcome(run, { kind: 'worker_stopped' }), deps);
    }
    return requeueRun(run, undefined, deps);
  }
}

/** A broken invariant, or a write that Redis refused: the caller gets an error now and not at the deadline. */
function endBroken(run: Run, surprise: unknown, deps: RunDeps): Promise<RunEnd> {
  deps.emit('internal.error', { area: 'run', message: String(surprise).slice(0, 500) });
  return finishRun(run, INTERNAL, deps);
}

/** Who has had content is told what broke it off, not what those that were to go on with it have said. */
function becauseOf(run: Run, because: Because): Because {
  return run.isCommitted && because.kind !== 'deadline' ? interrupted(run) : because;
}

const interrupted = ({ brokenBy }: Run): Because =>
  brokenBy === undefined ? { kind: 'worker_lost' } : { kind: 'interrupted', by: brokenBy };

const INTERNAL: FinishedRun = {
  state: 'failed',
  error: { code: 'internal_error', message: 'Sluice failed on this call. It is logged with its cause.' },
};

const CANCELLED: FinishedRun = {
  state: 'cancelled',
  error: { code: 'job_cancelled', message: 'The call was cancelled.' },
};
