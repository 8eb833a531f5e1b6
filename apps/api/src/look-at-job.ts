import type { JobRecords, RecordView } from '@sluice/queue';
import { replayStream, terminalFrame, type LookAtRecord } from '@sluice/stream';
import { answerAsChunk, frameHead, readFrame, type Frame, type Outcome } from '@sluice/wire';
import type { Redis } from 'ioredis';

/**
 * For a follower that may have missed something: the record first, so that what follows in the stream is not newer. Where the
 * stream is gone and the answer is kept, all that was sent is one frame made of it.
 */
export function lookAtJob(redis: Redis, records: Pick<JobRecords, 'look'>, group: string): LookAtRecord {
  return async (jobId, fromSeq) => {
    const record = await records.look(group, jobId);
    if (record === undefined) return undefined;
    let frames = record.seq >= fromSeq ? await replayStream(redis, group, jobId, fromSeq) : [];
    if (frames.length === 0 && fromSeq === 1 && record.seq > 0) frames = rebuilt(jobId, record);
    const terminal =
      record.outcome === undefined ? undefined : terminalFrame(jobId, record.seq, record.outcome, record.result);
    return { frames, terminal };
  };
}

function rebuilt(jobId: string, { seq, outcome, result }: RecordView): Frame[] {
  if (outcome === undefined || result === undefined) return [];
  const { served, tail } = JSON.parse(outcome) as Outcome;
  if (tail === undefined) return [];
  const head = `${frameHead(jobId, 'head', 0, 1, seq)}${JSON.stringify(served ?? {})}\n`;
  return [readFrame(Buffer.from(head + answerAsChunk(result.toString())))!];
}
