import { createHash } from 'node:crypto';
import { newJobId } from '../job-id.js';

/**
 * The job of a line, always the same: whoever feeds the line a second time, after a crash, meets the job of the first.
 * @param createdAtMs of the batch
 * @param groupNumber of the group that the line's model leads to
 */
export function lineJobId(batchId: string, line: number, createdAtMs: number, groupNumber: number): string {
  const random = createHash('sha256').update(`${batchId}:${line}`).digest().subarray(0, 10);
  return newJobId(createdAtMs, random, groupNumber);
}
