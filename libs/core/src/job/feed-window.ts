import { bytesOf, isOver, type BullView, type JobGroup } from './job-group.js';
import { letIn } from './durable-jobs.js';
import { inOrder, takeNext } from './lines.js';
import { countStarts } from './starts.js';

/** A job to add to BullMQ as `<id>-<n>`. */
export interface FedJob {
  jobId: string;
  feedNumber: number;
  replyTo: string;
}

export interface FeedReply {
  /** Until the gate opens; 0: it is open. */
  shutMs: number;
  /** Left in the backlog. */
  waiting: number;
  fed: FedJob[];
}

const LARGEST_BURST = 100_000;
/** After a job found nothing free, twice as many are fed each time, and that is so long apart. */
const STEP_MS = 50;

/** Takes from the backlog what the window lacks. The twin of `feed-window.lua`. */
export function feedWindow(
  group: JobGroup,
  bull: BullView,
  { atMost, addTakesMs }: { atMost: number; addTakesMs: number },
  nowMs: number,
): FeedReply {
  letIn(group, atMost, nowMs);
  const waiting = group.backlog.jobs;
  if (waiting === 0) {
    group.gate = undefined;
    return { shutMs: 0, waiting, fed: [] };
  }
  if (group.isPaused) return { shutMs: 0, waiting, fed: [] };
  const { untilMs, burst } = group.gate ?? { untilMs: 0, burst: 0 };
  if (untilMs > nowMs) return { shutMs: untilMs - nowMs, waiting, fed: [] };

  let onTheirWay = 0;
  for (const atMs of group.fed.values()) if (atMs > nowMs - addTakesMs) onTheirWay++;
  let room = Math.min(group.window - Math.max(bull.waiting, onTheirWay) - bull.active, atMost);
  if (burst > 0) room = Math.min(room, burst - group.fed.size);
  if (room <= 0) return { shutMs: 0, waiting, fed: [] };

  const fed: FedJob[] = [];
  takeNext(group.backlog, room, (jobId) => {
    const record = group.records.get(jobId);
    if (record?.state !== 'queued') return record && { bytes: bytesOf(record), isOver: true };
    group.fed.set(jobId, nowMs);
    fed.push({ jobId, feedNumber: record.fed, replyTo: record.replyTo });
    return { bytes: bytesOf(record) };
  });
  if (fed.length > 0) countStarts(group.starts, fed.length, nowMs);
  if (burst === 0 || fed.length === 0) return { shutMs: 0, waiting: group.backlog.jobs, fed };
  group.gate = { untilMs: nowMs + STEP_MS, burst: Math.min(burst * 2, LARGEST_BURST) };
  return { shutMs: STEP_MS, waiting: group.backlog.jobs, fed };
}

export interface SweepReply {
  /** Past their time: to be ended from outside. */
  overdue: { jobId: string; how: 'queued' | 'running' | 'no_room' }[];
  addAgain: FedJob[];
}

/**
 * Finds what fell between two steps. The twin of `sweep-group.lua`.
 * @param bullKnows `ended`: BullMQ keeps it as failed, and would drop a job of that number without a word
 */
export function sweepGroup(
  group: JobGroup,
  bullKnows: (jobId: string, feedNumber: number) => 'no' | 'live' | 'ended',
  { atMost, addLostMs }: { atMost: number; addLostMs: number },
  nowMs: number,
  handedOver: 'fed' | 'suspects' = 'fed',
): SweepReply {
  const overdue: SweepReply['overdue'] = [];
  for (const jobId of inOrder(group.due, atMost, nowMs)) {
    const record = group.records.get(jobId);
    if (record === undefined || isOver(record)) group.due.delete(jobId);
    else if (record.state === 'queued' && record.durable !== undefined && record.progress !== undefined) {
      overdue.push({ jobId, how: 'no_room' });
    } else overdue.push({ jobId, how: record.state === 'running' ? 'running' : 'queued' });
  }
  const handed = group[handedOver];
  const addAgain: FedJob[] = [];
  for (const jobId of inOrder(handed, atMost, nowMs - addLostMs)) {
    const record = group.records.get(jobId);
    if (record?.state !== 'queued') {
      handed.delete(jobId);
      continue;
    }
    handed.set(jobId, nowMs);
    const known = bullKnows(jobId, record.fed);
    if (known === 'live' || (group.due.get(jobId) ?? Infinity) <= nowMs) continue;
    if (known === 'ended') record.fed++;
    addAgain.push({ jobId, feedNumber: record.fed, replyTo: record.replyTo });
  }
  return { overdue, addAgain };
}
