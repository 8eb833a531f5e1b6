import {
  bytesOf,
  isOver,
  terminalFrameOf,
  type JobGroup,
  type JobRecord,
  type TerminalState,
  type Told,
} from './job-group.js';
import { keep, leaveDelayed, noteOver } from './durable-jobs.js';
import { leaveLine } from './lines.js';

export interface EndAsk {
  jobId: string;
  state: TerminalState;
  outcome: string;
  result: string;
  /** How long record and stream are kept when nobody got the terminal frame, ms. */
  keptMs: number;
  /** The record, when somebody did. */
  keptDeliveredMs: number;
  /** A larger result does not go along in the frame, bytes. */
  inlineBytes: number;
  /** Made by the run that ends it. */
  attempts?: number | undefined;
}

type Ended = { kind: 'finished'; othersWait: boolean; told: Told[] } | { kind: 'stale' };

/**
 * A run writes the one terminal state of its job. The twin of `finish-job.lua`.
 * @param isHeard somebody subscribes to the channel that the job answers to
 */
export function finishJob(group: JobGroup, epoch: number, ask: EndAsk, isHeard: boolean, nowMs: number): Ended {
  const record = group.records.get(ask.jobId);
  if (record?.epoch !== epoch) return { kind: 'stale' };
  if (isOver(record)) {
    return record.state === ask.state && record.outcome === ask.outcome
      ? { kind: 'finished', othersWait: group.backlog.jobs > 0, told: [] }
      : { kind: 'stale' };
  }
  const ended = end(group, record, ask, isHeard, nowMs);
  delete record.progress; // the outcome has what it says
  return ended;
}

/** Nobody started it in its time, or its run is overdue: ended from outside. `finish-job.lua` again, without an epoch. */
export function expireJob(group: JobGroup, ask: EndAsk, isHeard: boolean, nowMs: number): Ended {
  const record = group.records.get(ask.jobId);
  const dueMs = group.due.get(ask.jobId);
  if (record === undefined || isOver(record) || dueMs === undefined || dueMs > nowMs) return { kind: 'stale' };
  leaveLine(group.backlog, ask.jobId, record.line, bytesOf(record));
  leaveDelayed(group, ask.jobId, record);
  group.fed.delete(ask.jobId);
  const ended = end(group, record, { ...ask, attempts: undefined }, isHeard, nowMs);
  record.epoch++; // a run that still goes on is stale
  return ended;
}

function end(group: JobGroup, record: JobRecord, ask: EndAsk, isHeard: boolean, nowMs: number): Ended {
  const { jobId, state, outcome, result, keptMs, keptDeliveredMs, inlineBytes } = ask;
  const message = terminalFrameOf(jobId, record, outcome, Buffer.byteLength(result) <= inlineBytes ? result : '');
  Object.assign(record, { state, outcome, result });
  noteOver(group, jobId, record, ask, nowMs);
  if (record.kept === undefined) forget(record, isHeard ? keptDeliveredMs : keptMs);
  else keep(record, keptMs);
  group.due.delete(jobId);
  return { kind: 'finished', othersWait: group.backlog.jobs > 0, told: [{ channel: record.replyTo, message }] };
}

function forget(record: JobRecord, keptMs: number): void {
  record.keptMs = keptMs;
  delete record.request;
  delete record.progress;
}

export interface CancelAsk {
  jobId: string;
  outcome: string;
  keptMs: number;
  /** At least, of a record that says for how long. */
  keptAtLeastMs: number;
  /** The channel of a worker is this, its id and `:cancel`. */
  workerChannel: string;
  /** Left alone when it runs. */
  onlyWaiting?: boolean;
}

export interface CancelReply {
  kind: 'cancelled' | 'cancelling' | 'running' | 'over' | 'gone';
  told: Told[];
}

/** At once when it waits; by a flag and a word to its worker when it runs. The twin of `cancel-job.lua`. */
export function cancelJob(group: JobGroup, ask: CancelAsk, nowMs: number): CancelReply {
  const { jobId, outcome, keptMs, keptAtLeastMs, workerChannel } = ask;
  const record = group.records.get(jobId);
  if (record === undefined) return { kind: 'gone', told: [] };
  if (record.state === 'running') {
    if (ask.onlyWaiting) return { kind: 'running', told: [] };
    record.isCancelled = true;
    return { kind: 'cancelling', told: [{ channel: `${workerChannel}${record.worker}:cancel`, message: jobId }] };
  }
  if (isOver(record)) return { kind: 'over', told: [] };
  const message = terminalFrameOf(jobId, record, outcome, '');
  leaveLine(group.backlog, jobId, record.line, bytesOf(record));
  leaveDelayed(group, jobId, record);
  Object.assign(record, { state: 'cancelled', outcome, result: '' });
  noteOver(group, jobId, record, { state: 'cancelled', outcome }, nowMs);
  if (record.kept === undefined) forget(record, keptMs);
  else keep(record, keptAtLeastMs);
  for (const set of [group.due, group.fed]) set.delete(jobId);
  return { kind: 'cancelled', told: [{ channel: record.replyTo, message }] };
}
