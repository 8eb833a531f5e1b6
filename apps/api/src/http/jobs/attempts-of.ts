import { consequenceOf, type FailureKind } from '@sluice/core';
import { sentenceOf } from '@sluice/pipeline';
import { lifeEventsOf, newAttempt, type Attempt, type Frame, type Outcome } from '@sluice/wire';
import type { FoundJob } from './job-finder.js';

export interface AttemptList {
  object: 'list';
  data: Attempt[];
  first_id: string | null;
  last_id: string | null;
  has_more: false;
}

export interface AttemptsDeps {
  /** All that was sent of the job so far. */
  frames: (found: FoundJob) => AsyncIterable<Frame>;
}

/** What is left of a run in the record, of a job that is not over or was ended from outside. */
interface KeptRun {
  progress?: { tried?: NonNullable<Outcome['tried']> };
  log?: { attempts?: Attempt[] };
}

/**
 * A job's attempts, oldest first: all, or of very many the first and the last. Those that run stand in the job's stream alone.
 * Of a call that was waited for only what its record needed: who failed, and who answered.
 */
export async function attemptsOf(found: FoundJob, { frames }: AttemptsDeps): Promise<AttemptList> {
  const { snapshot } = found;
  const outcome = snapshot.outcome === undefined ? undefined : (JSON.parse(snapshot.outcome) as Outcome);
  const run = snapshot.progress === undefined ? undefined : (JSON.parse(snapshot.progress) as KeptRun);
  const ended =
    snapshot.durable === undefined
      ? waitedFor(found.jobId, outcome, run?.progress?.tried ?? [])
      : (outcome?.attempts ?? run?.log?.attempts ?? []);
  const isRunning = snapshot.state === 'running' && snapshot.durable !== undefined && snapshot.seq > 0;
  const data = isRunning ? [...ended, ...(await running(found, ended, frames(found)))] : [...ended];
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: false,
  };
}

async function running(
  { jobId }: FoundJob,
  ended: readonly Attempt[],
  frames: AsyncIterable<Frame>,
): Promise<Attempt[]> {
  const open = new Map<number, Attempt>();
  for await (const { kind, payload } of frames) {
    if (kind !== 'life') continue;
    for (const event of lifeEventsOf(payload)) {
      if (event.type === 'job.attempt_started') {
        const { attempt: number, deployment, at_ms: atMs } = event;
        open.set(number, newAttempt(jobId, number, deployment, atMs));
      } else if (event.type === 'job.attempt_failed') open.delete(event.attempt);
    }
  }
  const last = ended.at(-1)?.number ?? 0;
  return [...open.values()].filter(({ number }) => number > last);
}

/** When each began and what it cost is not kept of them. */
function waitedFor(jobId: string, outcome: Outcome | undefined, triedSoFar: NonNullable<Outcome['tried']>): Attempt[] {
  const attempts = (outcome?.tried ?? triedSoFar).map(({ deployment, kind, atMs, considered = [] }, i): Attempt => ({
    ...newAttempt(jobId, i + 1, deployment, atMs),
    started_at: null,
    finished_at: toSeconds(atMs),
    outcome: 'failed',
    error: {
      kind,
      code: consequenceOf({ kind: kind as FailureKind }).code,
      message: sentenceOf({ kind: kind as FailureKind, message: '' }),
      http_status: null,
    },
    considered: considered as Attempt['considered'],
  }));
  const { state, served, atMs } = outcome ?? {};
  if (state !== 'completed' || served === undefined || atMs === undefined) return attempts;
  const number = attempts.length + 1;
  const { deployment } = served;
  const answered = { started_at: null, finished_at: toSeconds(atMs), outcome: 'succeeded' as const };
  return [...attempts, { ...newAttempt(jobId, number, deployment, atMs), ...answered }];
}

const toSeconds = (ms: number): number => Math.floor(ms / 1_000);
