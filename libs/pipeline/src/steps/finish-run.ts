import type { Tried } from '@sluice/core';
import type { FinishedJob, RunEnd } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';
import type { AttemptLog } from '../attempt-log.js';
import type { Run, RunDeps } from '../run-deps.js';
import type { FinishedRun } from './failure-outcome.js';
import { sumOf } from './go-on.js';
import { wholeAnswer } from './whole-answer.js';

/** Writes the one terminal record and tells who waits; a stale run writes nothing. */
export async function finishRun(run: Run, end: FinishedRun, deps: RunDeps): Promise<RunEnd> {
  const flushed = run.relay.flush(); // what was told of a failed answer stands before its error
  // An answer that is no stream stands in its record alone: that its attempt could not be told must not cost it.
  await (end.state === 'completed' && run.job.stream ? flushed : flushed.catch(() => undefined));
  run.log?.close(deps.nowMs());
  const outcome: Outcome = {
    state: end.state,
    atMs: deps.nowMs(),
    upstreamMs: Math.round(run.upstreamMs * 10) / 10,
    // Groups that were entered and had nobody to ask are known at the end only.
    ...(run.served === undefined ? {} : { served: { ...run.served, fallbacks: run.progress.route.length - 1 } }),
    ...(end.state === 'completed' ? usageOf(run, end) : { error: end.error }),
    ...(run.log === undefined ? triedOf(run) : loggedIn(run.log)),
  };
  const isKept = run.log !== undefined || run.job.isStored === true;
  const written =
    end.state === 'completed' && isKept && run.job.stream
      ? writeStreamAndTell(run, end, outcome, deps)
      : writeAndTell(run, end, outcome, end.state === 'completed' ? end.attempt.body : '', deps);
  // An answer's record goes ahead of BullMQ's completion on the same connection, so that one trip serves both.
  if (end.state === 'completed') return { kind: 'over', othersWait: run.othersWait, written };
  const { othersWait } = await written;
  return end.state === 'failed' ? { kind: 'failed', code: end.error.code, othersWait } : { kind: 'over', othersWait };
}

/** Its result can be asked for long after its stream is gone. */
async function writeStreamAndTell(
  run: Run,
  end: Extract<FinishedRun, { state: 'completed' }>,
  outcome: Outcome,
  deps: RunDeps,
): Promise<{ othersWait: boolean }> {
  const result = await wholeAnswer(run, end.attempt, deps);
  return writeAndTell(run, end, { ...outcome, tail: end.attempt.body }, result, deps);
}

async function writeAndTell(
  run: Run,
  end: FinishedRun,
  outcome: Outcome,
  result: string,
  deps: RunDeps,
): Promise<{ othersWait: boolean }> {
  const { job, epoch } = run;
  const finished = await writeOutcome(run, deps, {
    jobId: job.jobId,
    epoch,
    state: end.state,
    outcome: JSON.stringify(job.durable?.kind === 'background' ? { ...outcome, ...finishOf(result) } : outcome),
    result,
    attempts: job.durable && run.attempts,
  });
  deps.failAt?.('finish.recorded');
  if (finished === undefined) {
    deps.emit('job.run_stopped', { jobId: job.jobId, group: job.group, reason: 'stale' });
  } else {
    deps.emit('job.finished', {
      jobId: job.jobId,
      group: job.group,
      state: end.state,
      ...(end.state === 'completed' ? {} : { code: end.error.code }),
      attempts: run.attempts,
      durationMs: deps.nowMs() - job.acceptedAtMs,
    });
  }
  // Under way since before, and awaited last: a refused settlement must neither cut short nor hide the answer's own write.
  if (end.state === 'completed') await end.accounting;
  return finished ?? { othersWait: run.othersWait };
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2_000;
/** By then the sweep ends the job from outside. */
const GIVE_UP_AFTER_DEADLINE_MS = 20_000;

/**
 * Redis may refuse writes for a while (no replica, disk full): the answer is there, so it is tried again rather than lost.
 * @throws the last refusal, after the job's deadline
 */
async function writeOutcome(
  { job, stop }: Run,
  { records, emit, nowMs }: RunDeps,
  ended: FinishedJob,
): Promise<{ othersWait: boolean } | undefined> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await records.finish(job.group, ended);
    } catch (refusal) {
      if (waitMs === FIRST_WAIT_MS) emit('internal.error', { area: 'finish', message: String(refusal).slice(0, 500) });
      if (stop.reason === 'stale' || nowMs() > job.deadlineMs + GIVE_UP_AFTER_DEADLINE_MS) throw refusal;
      await new Promise((again) => setTimeout(again, waitMs));
    }
  }
}

/** Of a background response: whoever is told of its end must know whether it is whole. */
function finishOf(answer: string): Pick<Outcome, 'finish'> {
  if (answer === '') return {};
  const { choices } = JSON.parse(answer) as { choices?: { finish_reason?: string }[] };
  const finish = choices?.[0]?.finish_reason;
  return finish === undefined ? {} : { finish };
}

/** As billed: what broken answers cost is part of it. */
function usageOf({ billed }: Run, { attempt }: Extract<FinishedRun, { state: 'completed' }>): Pick<Outcome, 'usage'> {
  if (attempt.usage === undefined) return {};
  const usage = sumOf(billed, attempt.usage);
  return { usage: { prompt: usage.prompt, completion: usage.completion, estimated: usage.estimated } };
}

const triedOf = ({ progress: { tried } }: Run): Pick<Outcome, 'tried'> =>
  tried.length === 0 ? {} : { tried: tried.map(told) };

function loggedIn({ state: { attempts, costUsd, ttftMs } }: AttemptLog): Partial<Outcome> {
  return { attempts, ...(costUsd === 0 ? {} : { costUsd }), ...(ttftMs === undefined ? {} : { ttftMs }) };
}

/** Without words of the provider: they are in the log, and in the error if it comes to that. */
const told = ({ deployment, kind, atMs, considered = [] }: Tried) => ({ deployment, kind, atMs, considered });
