import { createHash } from 'node:crypto';
import { newObjectId } from '../object-id.js';

/** Of a batch's output or error file: always the same, so that writing it again replaces it. */
export function outputFileId(batchId: string, createdAtMs: number, sort: 'output' | 'error'): string {
  return newObjectId('file-', createdAtMs, createHash('sha256').update(`${batchId}:${sort}`).digest());
}
