import type { ChatBody } from '@sluice/providers';
import type { BegunJob, JobTurn } from '@sluice/queue';
import { readAsked } from '@sluice/wire';
import { answerId, type InferenceJob } from '../inference-job.js';
import { openLog } from './open-log.js';
import type { Run, RunDeps } from '../run-deps.js';
import { unstarted } from '../unstarted.js';
import { askEarly } from './early-lease.js';
import type { FinishedRun } from './failure-outcome.js';
import { readProgress } from './kept-progress.js';

/** From so many runs that took their worker with them, the job itself is the likely cause. */
const MOST_CRASHES = 5;

type Begun =
  | { kind: 'nothing_to_do' }
  /** It ended too many workers to be run among others. */
  | { kind: 'suspect' }
  | { kind: 'running'; run: Run }
  /** It has an outcome without being run. */
  | { kind: 'ended'; run: Run; end: FinishedRun };

/** Raises the job's epoch and reads what is to be done; a job that may not run (any more) gets its outcome here. */
export async function beginRun(group: string, turn: JobTurn, stop: AbortSignal, deps: RunDeps): Promise<Begun> {
  const { jobId } = turn;
  const beginning = deps.records.begin(group, turn, deps.workerId);
  const earlyLease = askEarly(group, turn, deps); // behind it in the same write: one trip for both
  try {
    const begun = await beginning;
    if (begun === undefined || begun === 'suspect') {
      await earlyLease?.close();
      return { kind: begun ?? 'nothing_to_do' };
    }
    const run = await runOf(begun, { group, jobId, stop, earlyLease }, deps);
    const end = endOf(begun, run, deps.nowMs());
    return end === undefined ? { kind: 'running', run } : { kind: 'ended', run, end };
  } catch (error) {
    await earlyLease?.close(); // a lease that nobody knows of would be renewed for ever
    throw error;
  }
}

async function runOf(
  begun: BegunJob,
  { group, jobId, stop, earlyLease }: { group: string; jobId: string } & Pick<Run, 'stop' | 'earlyLease'>,
  deps: RunDeps,
): Promise<Run> {
  const job = JSON.parse(begun.job) as InferenceJob;
  const source = begun.request.toString();
  const { progress, attempts, billed, log: kept } = readProgress(begun.progress, group);
  const relay = deps.frames.open(group, jobId, begun.epoch, begun.seq, job.deadlineMs);
  const { log, hasContent } =
    job.durable === undefined
      ? { log: undefined, hasContent: begun.seq > 0 }
      : await openLog(job.durable, job, begun.seq, kept, relay, deps);
  return {
    job,
    epoch: begun.epoch,
    stop,
    call: {
      id: answerId(jobId),
      createdAt: Math.floor(job.acceptedAtMs / 1_000),
      model: job.model,
      stream: job.stream,
      ...(job.endpoint === undefined
        ? { source, body: JSON.parse(source) as ChatBody }
        : readAsked(job.endpoint, source, job.beta)),
    },
    earlyLease,
    relay,
    log,
    progress,
    othersWait: begun.othersWait,
    attempts: log?.made ?? attempts,
    isCommitted: hasContent,
    served: undefined,
    upstreamMs: 0,
    firstContentAt: undefined,
    delivered: undefined,
    brokenBy: undefined,
    billed,
  };
}

function endOf(
  begun: Pick<BegunJob, 'isCancelled' | 'crashes' | 'progress'>,
  run: Run,
  nowMs: number,
): FinishedRun | undefined {
  if (begun.isCancelled) {
    return { state: 'cancelled', error: { code: 'job_cancelled', message: 'The call was cancelled.' } };
  }
  if (nowMs >= run.job.deadlineMs) {
    return { state: 'expired', error: { code: 'deadline_exceeded', message: 'The deadline of the call has passed.' } };
  }
  if (run.attempts === 0 && !run.isCommitted && nowMs >= run.job.dueAtMs) {
    return { state: 'expired', error: unstarted(run.job.durable !== undefined && begun.progress !== '') };
  }
  if (begun.crashes >= MOST_CRASHES) {
    const message = `The call was given up: ${begun.crashes} workers ended while they ran it.`;
    return { state: 'failed', error: { code: 'worker_crash_loop', message } };
  }
  return undefined;
}
