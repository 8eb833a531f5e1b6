import { bytesOf, type JobGroup, type JobRecord, type TerminalState } from './job-group.js';
import { joinLine, tenantOf } from './lines.js';

/** The end of a durable job. The twin of `note_over` in `durable-jobs.lua`. @param attempts absent: as its progress says */
export function noteOver(
  group: JobGroup,
  jobId: string,
  record: JobRecord,
  { state, outcome, attempts }: { state: TerminalState; outcome: string; attempts?: number | undefined },
  nowMs: number,
): void {
  if (record.durable === undefined) return;
  record.finishedAtMs = nowMs;
  record.attempts = attempts ?? Number(/"attempts":(\d+)/.exec(record.progress ?? '')?.[1] ?? 0);
  const startedAtMs = record.attempts > 0 ? (record.startedAtMs ?? '') : ''; // begun, and nobody was asked: not started
  group.ledger.push({
    t: 'over',
    j: jobId,
    d: record.durable,
    s: state,
    o: outcome,
    f: String(nowMs),
    b: String(startedAtMs),
    a: String(record.attempts),
  });
}

/** Of a record that says what is kept for how long; of a job that no run ended, its progress too. The twin of `keep`. */
export function keep(record: JobRecord, atLeastMs: number): void {
  const { resultMs, requestMs, deadLetterMs } = record.kept!;
  const askedMs = record.state === 'failed' || record.state === 'expired' ? deadLetterMs : requestMs;
  if (askedMs === 0) {
    delete record.request;
    delete record.asked;
  }
  record.keptMs = Math.max(resultMs, askedMs, atLeastMs);
}

export function delay(group: JobGroup, jobId: string, record: JobRecord, notBeforeMs: number): void {
  group.delayed.set(jobId, notBeforeMs);
  count(group, tenantOf(record.line), 1, bytesOf(record));
  group.laterMs = Math.min(group.laterMs ?? Infinity, notBeforeMs);
}

/** Does nothing when the job is not delayed. */
export function leaveDelayed(group: JobGroup, jobId: string, record: JobRecord): void {
  if (group.delayed.delete(jobId)) count(group, tenantOf(record.line), -1, -bytesOf(record));
}

/** Jobs whose delay is over join their lines. Part of the twin of `feed-window.lua`. */
export function letIn(group: JobGroup, atMost: number, nowMs: number): void {
  if (group.laterMs === undefined || group.laterMs > nowMs) return;
  const due = [...group.delayed]
    .filter(([, ms]) => ms <= nowMs)
    .toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  for (const [jobId] of due.slice(0, atMost)) {
    const record = group.records.get(jobId)!;
    leaveDelayed(group, jobId, record);
    joinLine(group.backlog, { jobId, line: record.line, order: record.order, bytes: bytesOf(record) }, false);
  }
  group.laterMs = group.delayed.size === 0 ? undefined : Math.min(...group.delayed.values());
}

function count(group: JobGroup, tenant: string, jobs: number, bytes: number): void {
  const before = group.later.get(tenant) ?? { jobs: 0, bytes: 0 };
  if (before.jobs + jobs <= 0) group.later.delete(tenant);
  else group.later.set(tenant, { jobs: before.jobs + jobs, bytes: before.bytes + bytes });
}
