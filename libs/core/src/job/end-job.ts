import {
  bytesOf,
  isOver,
  terminalFrameOf,
  type JobGroup,
  type JobRecord,
  type TerminalState,
  type Told,
} from './job-group.js';
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
}

type Ended = { kind: 'finished'; othersWait: boolean; told: Told[] } | { kind: 'stale' };

/**
 * A run writes the one terminal state of its job. The twin of `finish-job.lua`.
 * @param isHeard somebody subscribes to the channel that the job answers to
 */
export function finishJob(group: JobGroup, epoch: number, ask: EndAsk, isHeard: boolean): Ended {
  const record = group.records.get(ask.jobId);
  if (record?.epoch !== epoch) return { kind: 'stale' };
  if (isOver(record)) {
    return record.state === ask.state && record.outcome === ask.outcome
      ? { kind: 'finished', othersWait: group.backlog.jobs > 0, told: [] }
      : { kind: 'stale' };
  }
  return end(group, record, ask, isHeard);
}

/** Nobody started it in its time, or its run is overdue: ended from outside. `finish-job.lua` again, without an epoch. */
export function expireJob(group: JobGroup, ask: EndAsk, isHeard: boolean, nowMs: number): Ended {
  const record = group.records.get(ask.jobId);
  const dueMs = group.due.get(ask.jobId);
  if (record === undefined || isOver(record) || dueMs === undefined || dueMs > nowMs) return { kind: 'stale' };
  leaveLine(group.backlog, ask.jobId, record.line, bytesOf(record));
  group.fed.delete(ask.jobId);
  const ended = end(group, record, ask, isHeard);
  record.epoch++; // a run that still goes on is stale
  return ended;
}

function end(group: JobGroup, record: JobRecord, ask: EndAsk, isHeard: boolean): Ended {
  const { jobId, state, outcome, result, keptMs, keptDeliveredMs, inlineBytes } = ask;
  const message = terminalFrameOf(jobId, record, outcome, Buffer.byteLength(result) <= inlineBytes ? result : '');
  Object.assign(record, { state, outcome, result, keptMs: isHeard ? keptDeliveredMs : keptMs });
  delete record.request;
  delete record.progress;
  group.due.delete(jobId);
  return { kind: 'finished', othersWait: group.backlog.jobs > 0, told: [{ channel: record.replyTo, message }] };
}

export interface CancelAsk {
  jobId: string;
  outcome: string;
  keptMs: number;
  /** The channel of a worker is this, its id and `:cancel`. */
  workerChannel: string;
}

export interface CancelReply {
  kind: 'cancelled' | 'cancelling' | 'over' | 'gone';
  told: Told[];
}

/** At once when it waits; by a flag and a word to its worker when it runs. The twin of `cancel-job.lua`. */
export function cancelJob(group: JobGroup, { jobId, outcome, keptMs, workerChannel }: CancelAsk): CancelReply {
  const record = group.records.get(jobId);
  if (record === undefined) return { kind: 'gone', told: [] };
  if (record.state === 'running') {
    record.isCancelled = true;
    return { kind: 'cancelling', told: [{ channel: `${workerChannel}${record.worker}:cancel`, message: jobId }] };
  }
  if (isOver(record)) return { kind: 'over', told: [] };
  const message = terminalFrameOf(jobId, record, outcome, '');
  leaveLine(group.backlog, jobId, record.line, bytesOf(record));
  Object.assign(record, { state: 'cancelled', outcome, result: '', keptMs });
  delete record.request;
  delete record.progress;
  for (const set of [group.due, group.fed]) set.delete(jobId);
  return { kind: 'cancelled', told: [{ channel: record.replyTo, message }] };
}
