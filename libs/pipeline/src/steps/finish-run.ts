import type { RunEnd } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import type { FinishedRun } from './failure-outcome.js';

/** Writes the one terminal record and tells who waits; a stale run writes nothing. */
export async function finishRun(run: Run, end: FinishedRun, deps: RunDeps): Promise<RunEnd> {
  const { job, epoch } = run;
  const flushed = run.relay.flush(); // what was told of a failed answer stands before its error
  await (end.state === 'completed' ? flushed : flushed.catch(() => undefined));
  const outcome: Outcome = {
    state: end.state,
    upstreamMs: Math.round(run.upstreamMs * 10) / 10,
    // Groups that were entered and had nobody to ask are known at the end only.
    ...(run.served === undefined ? {} : { served: { ...run.served, fallbacks: run.progress.route.length - 1 } }),
    ...(end.state === 'completed' ? usageOf(end) : { error: end.error }),
  };
  const [finished] = await Promise.all([
    deps.records.finish(job.group, {
      jobId: job.jobId,
      epoch,
      state: end.state,
      outcome: JSON.stringify(outcome),
      result: end.state === 'completed' ? end.attempt.body : '',
    }),
    end.state === 'completed' ? end.accounting : undefined,
  ]);
  if (finished === undefined) {
    deps.emit('job.run_stopped', { jobId: job.jobId, group: job.group, reason: 'stale' });
    return { kind: 'over', othersWait: run.othersWait };
  }
  deps.emit('job.finished', {
    jobId: job.jobId,
    group: job.group,
    state: end.state,
    ...(end.state === 'completed' ? {} : { code: end.error.code }),
    attempts: run.attempts,
    durationMs: deps.nowMs() - job.acceptedAtMs,
  });
  const { othersWait } = finished;
  return end.state === 'failed' ? { kind: 'failed', code: end.error.code, othersWait } : { kind: 'over', othersWait };
}

function usageOf({ attempt: { usage } }: Extract<FinishedRun, { state: 'completed' }>): Pick<Outcome, 'usage'> {
  if (usage === undefined) return {};
  return { usage: { prompt: usage.prompt, completion: usage.completion, estimated: usage.estimated } };
}
