import type { JobGroup } from './job-group.js';

export interface IsolateAsk {
  jobId: string;
  /** n of BullMQ's `<id>-<n>`. */
  feedNumber: number;
  /** The lock of its BullMQ job has the token of the run that was told `suspect`. */
  holdsLock: boolean;
}

/** Undefined: it is not this run's (any more). */
export type Isolated = { feedNumber: number; replyTo: string; crashes: number } | undefined;

/** A job that ended too many workers goes to the group's suspects. The twin of `isolate-job.lua`. */
export function isolateJob(group: JobGroup, { jobId, feedNumber, holdsLock }: IsolateAsk, nowMs: number): Isolated {
  const record = group.records.get(jobId);
  if (record === undefined) return undefined;
  const isRepeat = record.state === 'queued' && record.fed === feedNumber + 1 && group.suspects.has(jobId);
  if (!isRepeat) {
    if (record.state !== 'running' || record.fed !== feedNumber || !holdsLock) return undefined;
    record.crashes = (record.crashes ?? 0) + 1;
    record.epoch++; // whatever the lost run still writes is refused
    record.state = 'queued';
    record.fed++;
    delete record.worker;
    group.due.set(jobId, record.deadlineMs);
    group.suspects.set(jobId, nowMs);
  }
  return { feedNumber: record.fed, replyTo: record.replyTo, crashes: record.crashes ?? 0 };
}

/** The process that ran this suspect died by itself. The twin of `count-suspect-crash.lua`. */
export function countSuspectCrash(group: JobGroup, jobId: string, workerId: string): boolean {
  const record = group.records.get(jobId);
  if (record?.state !== 'running' || record.worker !== workerId) return false;
  record.worker = '';
  record.crashes = (record.crashes ?? 0) + 1;
  return true;
}
