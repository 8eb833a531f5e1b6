import { newJobId } from './job-id.js';

/** Of what is no job: a prefix and a UUIDv7 as 32 hex digits. @param random at least 12 fresh random bytes */
export function newObjectId(prefix: string, nowMs: number, random: Uint8Array): string {
  const last = ((random[10]! << 8) | random[11]!) & 0xffff;
  return `${prefix}${newJobId(nowMs, random, last).slice('job_'.length)}`;
}
