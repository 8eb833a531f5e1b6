import type { RunEnd } from '@sluice/queue';
import type { Run, RunDeps } from '../run-deps.js';
import { writeProgress } from './kept-progress.js';
import { finishRun } from './finish-run.js';
import { pause } from './pause.js';

/** A suspect that finds nothing free waits here: it holds up nothing but other suspects. */
const SUSPECT_WAITS_MS = 5_000;

/**
 * The job waits again, no attempt used.
 * @param toBacklog nothing is free before that time; absent: handed back because this worker stops
 */
export async function requeueRun(run: Run, toBacklog: { untilMs: number } | undefined, deps: RunDeps): Promise<RunEnd> {
  const { job, epoch } = run;
  const dueAtMs = run.attempts > 0 ? job.deadlineMs : job.dueAtMs; // the queue's time ends with the first provider call
  if (deps.runsSuspects && toBacklog !== undefined) {
    await pause(Math.min(Math.max(toBacklog.untilMs - deps.nowMs(), 50), SUSPECT_WAITS_MS), run.stop);
    return requeueRun(run, undefined, deps);
  }
  if (run.log !== undefined) {
    run.log.wait(toBacklog?.untilMs, deps.nowMs());
    await run.relay.flush().catch(() => undefined); // told while the run is still the job's, or not at all
  }
  const written = { jobId: job.jobId, epoch, progress: writeProgress(run), dueAtMs };
  const outSinceMs = run.progress.shutSinceMs;
  const back = toBacklog && { ...toBacklog, outSinceMs };
  if (back !== undefined && outSinceMs !== undefined) deps.outages.note(job.group, outSinceMs, deps.nowMs());
  const verdict = await deps.records.requeue(job.group, written, back);
  if (verdict === 'cancelled') {
    return finishRun(
      run,
      { state: 'cancelled', error: { code: 'job_cancelled', message: 'The call was cancelled.' } },
      deps,
    );
  }
  if (verdict === 'stale') return { kind: 'over', othersWait: run.othersWait };
  deps.emit('job.requeued', { jobId: job.jobId, group: job.group, reason: toBacklog ? 'no_capacity' : 'drain' });
  return toBacklog === undefined ? { kind: 'handed_back', othersWait: false } : { kind: 'requeued', othersWait: true };
}
