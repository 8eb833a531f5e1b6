import { isOver, type JobGroup } from './job-group.js';

/** Erases a job that is over, or what a dead letter keeps for another try. The twin of `erase-job.lua`. */
export function eraseJob(group: JobGroup, jobId: string, how: 'erased' | 'dismissed'): 'done' | 'unfinished' | 'gone' {
  const record = group.records.get(jobId);
  if (record === undefined) return 'gone';
  if (!isOver(record)) return 'unfinished';
  if (record.durable !== undefined) group.ledger.push({ t: how, j: jobId, d: record.durable });
  if (how === 'erased') {
    group.records.delete(jobId);
    group.streams.delete(jobId);
  } else {
    delete record.request;
    delete record.asked;
    record.dismissed = 1;
  }
  return 'done';
}
