import type { InferenceJob } from '@sluice/pipeline';
import type { JobSnapshot, PlaceInLine } from '@sluice/queue';
import {
  ERROR_CODES,
  jobUsage,
  lastSeqOf,
  type Attempt,
  type DurableJob,
  type JobView,
  type Outcome,
} from '@sluice/wire';

/** What a run has left of it in the record. */
interface KeptRun {
  attempts?: number;
  log?: { attempts?: readonly Attempt[]; costUsd?: number; ttftMs?: number };
}

/** @param nowMs Redis TIME */
export function jobView(jobId: string, snapshot: JobSnapshot, place: PlaceInLine | undefined, nowMs: number): JobView {
  const job = JSON.parse(snapshot.job) as InferenceJob;
  const durable = snapshot.durable === undefined ? undefined : (JSON.parse(snapshot.durable) as DurableJob);
  const outcome = snapshot.outcome === undefined ? undefined : (JSON.parse(snapshot.outcome) as Outcome);
  const run = snapshot.progress === undefined ? undefined : (JSON.parse(snapshot.progress) as KeptRun);
  const createdAtMs = durable?.createdAtMs ?? job.acceptedAtMs;
  const { finishedAtMs } = snapshot;
  const asking = outcome === undefined ? snapshot.asking : undefined;
  const ended = snapshot.attempts ?? run?.attempts ?? outcome?.attempts?.length ?? run?.log?.attempts?.length ?? 0;
  const attempts = Math.max(ended, asking?.number ?? 0);
  // Begun, and nobody was asked: not started.
  const startedAtMs = attempts > 0 || snapshot.state === 'running' ? snapshot.startedAtMs : undefined;
  const tries = outcome?.attempts ?? run?.log?.attempts ?? [];
  const costUsd = outcome === undefined ? run?.log?.costUsd : outcome.costUsd;
  const isDelayed = snapshot.state === 'queued' && (durable?.notBeforeMs ?? 0) > nowMs;
  const startableMs = Math.max(createdAtMs, durable?.notBeforeMs ?? 0);
  const waitedToMs = startedAtMs ?? finishedAtMs ?? nowMs;
  const isKept = outcome?.state === 'completed' && durable !== undefined && finishedAtMs !== undefined;
  return {
    id: jobId,
    object: 'job',
    status: isDelayed ? 'delayed' : snapshot.state,
    cancelling: snapshot.isCancelling,
    endpoint: durable?.endpoint ?? '/v1/chat/completions',
    model: job.model,
    priority: durable?.priority ?? 'normal',
    metadata: durable?.metadata ?? {},
    batch_id: durable?.batch?.id ?? null,
    attempts,
    created_at: seconds(createdAtMs)!,
    started_at: seconds(startedAtMs),
    finished_at: seconds(finishedAtMs),
    not_before: seconds(durable?.notBeforeMs),
    queue_expires_at: seconds(durable?.queueExpiresAtMs ?? job.dueAtMs),
    deadline_at: seconds(job.deadlineMs),
    result_expires_at:
      isKept && durable.retention.resultMs > 0 ? seconds(finishedAtMs + durable.retention.resultMs) : null,
    queue_position: isDelayed ? null : (place?.position ?? null),
    eta_ms: isDelayed ? null : (place?.etaMs ?? null),
    deployment: outcome?.served?.deployment ?? askedLast(tries.at(-1), asking) ?? null,
    last_seq: lastSeqIn(snapshot, job, durable, outcome),
    cost_usd: costUsd ?? null,
    retried_from: durable?.retriedFrom ?? null,
    retried_as: snapshot.retriedAs?.split(' ')[0] ?? null,
    error: outcome?.error === undefined ? null : errorOf(outcome.error),
    timings: {
      queued_ms: Math.max(0, Math.round(waitedToMs - Math.min(startableMs, waitedToMs))),
      delayed_ms: Math.max(0, Math.round(Math.min(startableMs, waitedToMs) - createdAtMs)),
      ttft_ms: outcome?.ttftMs ?? run?.log?.ttftMs ?? null,
      upstream_ms: outcome?.upstreamMs ?? null,
      total_ms: finishedAtMs === undefined ? null : Math.max(0, Math.round(finishedAtMs - createdAtMs)),
    },
    usage: outcome?.usage === undefined ? null : jobUsage(outcome.usage),
  };
}

/** What ended is written down before a requeue, what begins is told at once. */
const askedLast = (ended: Attempt | undefined, asking: JobSnapshot['asking']): string | undefined =>
  (asking?.number ?? 0) > (ended?.number ?? 0) ? asking?.deployment : ended?.deployment;

/** Null: of an endpoint with events of its own it takes the whole stream to say so. */
function lastSeqIn(
  { seq }: JobSnapshot,
  { jobId, stream, acceptedAtMs }: InferenceJob,
  durable: DurableJob | undefined,
  outcome: Outcome | undefined,
): number | null {
  if (stream && durable !== undefined && durable.endpoint !== '/v1/chat/completions') return null;
  const job = { jobId, createdAtMs: acceptedAtMs, isDurable: durable !== undefined, notBeforeMs: durable?.notBeforeMs };
  return lastSeqOf(job, seq, outcome) ?? null;
}

const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.floor(ms / 1_000));

const errorOf = ({ code, message, param }: NonNullable<Outcome['error']>): JobView['error'] => ({
  message,
  type: ERROR_CODES[code].type,
  param: param ?? null,
  code,
});
