import type { JobRecords } from '@sluice/queue';
import { replayStream, terminalFrame, type LookAtRecord } from '@sluice/stream';
import type { Redis } from 'ioredis';

/** For a follower that may have missed something: the record first, so that what follows in the stream is not newer. */
export function lookAtJob(redis: Redis, records: Pick<JobRecords, 'look'>, group: string): LookAtRecord {
  return async (jobId, fromSeq) => {
    const record = await records.look(group, jobId);
    if (record === undefined) return undefined;
    const frames = record.seq >= fromSeq ? await replayStream(redis, group, jobId, fromSeq) : [];
    const terminal =
      record.outcome === undefined ? undefined : terminalFrame(jobId, record.seq, record.outcome, record.result);
    return { frames, terminal };
  };
}
