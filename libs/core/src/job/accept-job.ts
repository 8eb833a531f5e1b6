import type { BacklogBounds } from './backlog-policy.js';
import { delay } from './durable-jobs.js';
import type { Kept } from './kept.js';
import { bytesOf, type BullView, type JobGroup, type JobRecord } from './job-group.js';
import { joinLine, tenantOf } from './lines.js';

export interface AcceptAsk {
  jobId: string;
  request: string;
  job: string;
  replyTo: string;
  dueInMs: number;
  /** The caller adds the job to BullMQ in the same pipeline, as number 1. */
  isDirect: boolean;
  /** 0: refused when there is no room. */
  startInMs: number;
  /** No fallback group could serve it. */
  isLone: boolean;
  deadlineMs: number;
  line: string;
  bounds: BacklogBounds;
  silenceMs: number;
  /** Waits for whatever it needs, a worker too; absent: a plain call. */
  durable?: DurableAsk | undefined;
  kept?: Kept | undefined;
}

export interface DurableAsk {
  /** For the ledger, JSON. */
  about: string;
  asked?: string | undefined;
  notBeforeMs?: number | undefined;
}

export type AcceptReply =
  | { kind: 'accepted'; nextToBacklog: boolean; feedNow: boolean }
  | { kind: 'no_worker' }
  | { kind: 'no_capacity'; retryAfterMs: number }
  | { kind: 'queue_full'; retryAfterMs: number; whose: 'group' | 'tenant' };

const LEAST_RETRY_MS = 1_000;

/** Takes a job in, once, and says which way it goes. The twin of `accept-job.lua`. @param nowUs Unix µs */
export function acceptJob(group: JobGroup, bull: BullView, ask: AcceptAsk, nowUs: number): AcceptReply {
  const nowMs = Math.floor(nowUs / 1_000);
  if (group.records.has(ask.jobId)) return { kind: 'accepted', nextToBacklog: false, feedNow: true };
  const { durable, kept } = ask;
  const isUnattended = group.beatMs === undefined || nowMs - group.beatMs > ask.silenceMs;
  if (isUnattended && durable === undefined) return { kind: 'no_worker' };

  const { backlog } = group;
  const untilMs = group.gate?.untilMs ?? 0;
  const { isPaused } = group;
  const isBlocked = isPaused || backlog.jobs > 0 || untilMs > nowMs || group.window - bull.waiting - bull.active <= 0;
  const notBeforeMs = durable?.notBeforeMs ?? 0;
  const isDelayed = notBeforeMs > nowMs;
  const isDirect = ask.isDirect && !(isPaused || (durable !== undefined && (isBlocked || isDelayed))); // what was added is a stray
  if ((isBlocked || isDelayed) && !isDirect) {
    const retryAfterMs = Math.max(LEAST_RETRY_MS, untilMs - nowMs);
    const isTooLate = ask.isLone && untilMs > nowMs + ask.startInMs;
    if (durable === undefined && (ask.startInMs === 0 || isTooLate)) return { kind: 'no_capacity', retryAfterMs };
    const whose = fullFor(ask, group);
    if (whose !== undefined) return { kind: 'queue_full', retryAfterMs, whose };
  }

  const { jobId, request, job, replyTo, deadlineMs, line } = ask;
  const fed = isDirect ? 1 : 2;
  const order = isDelayed ? notBeforeMs * 1_000 + (nowUs % 1_000) : nowUs; // who is delayed arrives when that is over
  const record: JobRecord = { state: 'queued', epoch: 0, fed, order, line, request, job, replyTo, deadlineMs };
  if (kept !== undefined) record.kept = kept;
  if (durable !== undefined) {
    record.durable = durable.about;
    if (durable.asked) record.asked = durable.asked;
    group.ledger.push({ t: 'accepted', j: jobId, d: durable.about });
  }
  group.records.set(jobId, record);
  group.due.set(jobId, nowMs + ask.dueInMs);
  if (isDirect) group.fed.set(jobId, nowMs);
  else if (isDelayed) delay(group, jobId, record, notBeforeMs);
  else joinLine(backlog, { jobId, line, order: nowUs, bytes: bytesOf(record) }, false);
  return { kind: 'accepted', nextToBacklog: isBlocked, feedNow: !isDirect && !isBlocked && !isDelayed };
}

function fullFor(
  { line, request, bounds, durable }: AcceptAsk,
  { backlog, later }: JobGroup,
): 'group' | 'tenant' | undefined {
  const more = Buffer.byteLength(request);
  const delayed = durable === undefined ? [] : [...later.values()]; // a plain call does not pay for a look at them
  const sum = (of: readonly { jobs: number; bytes: number }[], what: 'jobs' | 'bytes'): number =>
    of.reduce((all, each) => all + each[what], 0);
  if (backlog.jobs + sum(delayed, 'jobs') >= bounds.jobs) return 'group';
  if (backlog.bytes + sum(delayed, 'bytes') + more > bounds.bytes) return 'group';
  const theirs = [backlog.tenants.get(tenantOf(line)), durable && later.get(tenantOf(line))].filter(
    (x) => x !== undefined,
  );
  const isFull = sum(theirs, 'jobs') >= bounds.tenantJobs || sum(theirs, 'bytes') + more > bounds.tenantBytes;
  return isFull ? 'tenant' : undefined;
}
