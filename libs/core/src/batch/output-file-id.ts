import { createHash } from 'node:crypto';
import { newJobId } from '../job-id.js';

/** Of a batch's output or error file: always the same, so that writing it again replaces it. */
export function outputFileId(batchId: string, createdAtMs: number, sort: 'output' | 'error'): string {
  const hash = createHash('sha256').update(`${batchId}:${sort}`).digest();
  return `file-${newJobId(createdAtMs, hash, hash.readUInt16BE(10)).slice('job_'.length)}`;
}
