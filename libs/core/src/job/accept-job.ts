import type { BacklogBounds } from './backlog-policy.js';
import type { BullView, JobGroup } from './job-group.js';
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
  if (group.beatMs === undefined || nowMs - group.beatMs > ask.silenceMs) return { kind: 'no_worker' };

  const { backlog } = group;
  const untilMs = group.gate?.untilMs ?? 0;
  const isBlocked = backlog.jobs > 0 || untilMs > nowMs || group.window - bull.waiting - bull.active <= 0;
  if (isBlocked && !ask.isDirect) {
    const retryAfterMs = Math.max(LEAST_RETRY_MS, untilMs - nowMs);
    const isTooLate = ask.isLone && untilMs > nowMs + ask.startInMs;
    if (ask.startInMs === 0 || isTooLate) return { kind: 'no_capacity', retryAfterMs };
    const whose = fullFor(ask, group);
    if (whose !== undefined) return { kind: 'queue_full', retryAfterMs, whose };
  }

  const { jobId, request, job, replyTo, deadlineMs, isDirect, line } = ask;
  const fed = isDirect ? 1 : 2;
  group.records.set(jobId, { state: 'queued', epoch: 0, fed, order: nowUs, line, request, job, replyTo, deadlineMs });
  group.due.set(jobId, nowMs + ask.dueInMs);
  if (isDirect) group.fed.set(jobId, nowMs);
  else joinLine(backlog, { jobId, line, order: nowUs, bytes: Buffer.byteLength(request) }, false);
  return { kind: 'accepted', nextToBacklog: isBlocked, feedNow: !isDirect && !isBlocked };
}

function fullFor({ line, request, bounds }: AcceptAsk, { backlog }: JobGroup): 'group' | 'tenant' | undefined {
  const more = Buffer.byteLength(request);
  if (backlog.jobs >= bounds.jobs || backlog.bytes + more > bounds.bytes) return 'group';
  const tenant = backlog.tenants.get(tenantOf(line)) ?? { jobs: 0, bytes: 0 };
  return tenant.jobs >= bounds.tenantJobs || tenant.bytes + more > bounds.tenantBytes ? 'tenant' : undefined;
}
