import { bytesOf, isOver, type JobGroup, type JobRecord, type Told } from './job-group.js';
import { joinLine } from './lines.js';
import { noteOutage } from './outage.js';
import { countStarts } from './starts.js';

/** What a run is told at each write: it may go on; another has begun or it is over; its job is to be cancelled. */
export type RunVerdict = 'go' | 'stale' | 'cancelled';

export interface BeginAsk {
  jobId: string;
  workerId: string;
  /** Of this run and no other. */
  runId: string;
  /** The lock of its BullMQ job has its token: nobody took it for lost. */
  holdsLock: boolean;
  /** n of BullMQ's `<id>-<n>`. */
  feedNumber: number;
  /** After its deadline, when the net ends it. */
  overdueMs: number;
  /**
   * Crashes from which a job is not begun but isolated; absent: never. `here`: this is where suspects run, and who sees
   * their process die counts.
   */
  suspectFrom?: number | 'here' | undefined;
}

export type BeginReply =
  | { kind: 'gone' | 'over' | 'suspect' }
  | {
      kind: 'begun';
      epoch: number;
      crashes: number;
      nowMs: number;
      seq: number;
      isCancelled: boolean;
      othersWait: boolean;
      request: string;
      job: string;
      progress: string;
    };

/** Starts a run. The twin of `begin-job.lua`. */
export function beginJob(group: JobGroup, ask: BeginAsk, nowMs: number): BeginReply {
  const { jobId, workerId, runId, feedNumber } = ask;
  const record = group.records.get(jobId);
  if (record === undefined) return { kind: 'gone' };
  if (isOver(record) || feedNumber !== record.fed || !ask.holdsLock) return { kind: 'over' };
  const isRepeat = record.state === 'running' && record.run === runId;
  if (!isRepeat) {
    const { suspectFrom = Infinity } = ask;
    if (record.state === 'running' && suspectFrom !== 'here') {
      const crashes = (record.crashes ?? 0) + 1;
      if (crashes >= suspectFrom && !record.isCancelled && record.deadlineMs > nowMs) return { kind: 'suspect' };
      record.crashes = crashes;
    }
    record.epoch++;
    if (record.state === 'queued') (suspectFrom === 'here' ? group.suspects : group.fed).delete(jobId);
    group.due.set(jobId, record.deadlineMs + ask.overdueMs);
    record.startedAtMs ??= nowMs;
    Object.assign(record, { state: 'running', worker: workerId, run: runId });
  }
  return {
    kind: 'begun',
    epoch: record.epoch,
    crashes: record.crashes ?? 0,
    nowMs,
    seq: record.seq ?? 0,
    isCancelled: record.isCancelled === true,
    othersWait: group.backlog.jobs > 0,
    request: record.request ?? '',
    job: record.job,
    progress: record.progress ?? '',
  };
}

/** Before every further provider call. The twin of `note-attempt.lua`. */
export function noteAttempt(group: JobGroup, jobId: string, epoch: number, progress: string): RunVerdict {
  const record = runningUnder(epoch, group.records.get(jobId));
  if (record === undefined) return 'stale';
  record.progress = progress;
  return record.isCancelled ? 'cancelled' : 'go';
}

export interface RelayAsk {
  jobId: string;
  epoch: number;
  firstSeq: number;
  lastSeq: number;
  frame: string;
}

/** Keeps a frame and tells who follows. The twin of `relay-frames.lua`. */
export function relayFrames(group: JobGroup, ask: RelayAsk): { verdict: RunVerdict; told: Told[] } {
  const { jobId, epoch, firstSeq, lastSeq, frame } = ask;
  const record = runningUnder(epoch, group.records.get(jobId));
  if (record === undefined) return { verdict: 'stale', told: [] };
  if (record.isCancelled) return { verdict: 'cancelled', told: [] };
  if ((record.seq ?? 0) >= lastSeq) return { verdict: 'go', told: [] };
  let stream = group.streams.get(jobId);
  if (stream === undefined) group.streams.set(jobId, (stream = new Map()));
  stream.set(firstSeq, frame);
  record.seq = lastSeq;
  return { verdict: 'go', told: [{ channel: record.replyTo, message: frame }] };
}

export interface RequeueAsk {
  jobId: string;
  epoch: number;
  progress: string;
  dueAtMs: number;
  /** Nothing is fed before; absent: handed back, its BullMQ job goes back to wait. */
  untilMs?: number | undefined;
  /** Since when failures alone have shut the group; absent: it is full, or cools. */
  outSinceMs?: number | undefined;
  /** Of a run among the suspects, which are only handed back. */
  isSuspect?: boolean;
}

/** A run ends without an outcome. The twin of `requeue-job.lua`. */
export function requeueJob(group: JobGroup, ask: RequeueAsk, nowMs: number): 'requeued' | 'stale' | 'cancelled' {
  const { jobId, epoch, untilMs, outSinceMs } = ask;
  const record = group.records.get(jobId);
  if (record?.state === 'queued' && record.epoch === epoch && epoch > 0) return 'requeued';
  if (record?.epoch !== epoch || record.state !== 'running') return 'stale';
  if (record.isCancelled) return 'cancelled';
  record.state = 'queued';
  record.progress = ask.progress;
  delete record.worker;
  group.due.set(jobId, ask.dueAtMs);
  if (untilMs === undefined) (ask.isSuspect ? group.suspects : group.fed).set(jobId, nowMs);
  else {
    const { line, order } = record;
    joinLine(group.backlog, { jobId, line, order, bytes: bytesOf(record) }, record.fed > 1);
    if (record.fed > 1) countStarts(group.starts, -1, nowMs);
    record.fed++;
    group.gate = { untilMs, burst: 1 };
    if (outSinceMs !== undefined) group.outage = noteOutage(group.outage, outSinceMs, nowMs);
  }
  return 'requeued';
}

const runningUnder = (epoch: number, record: JobRecord | undefined): JobRecord | undefined =>
  record?.epoch === epoch && record.state === 'running' ? record : undefined;
