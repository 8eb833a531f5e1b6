/**
 * `job_` and a UUIDv7 as 32 hex digits: time first, so that ids sort by age. The last 16 of its random bits are the number
 * of the job's group (`sluice:groups`), so that an id leads to its group without a search.
 * @param random at least 10 fresh random bytes
 * @param groupNumber 0..65535
 */
export function newJobId(nowMs: number, random: Uint8Array, groupNumber: number): string {
  const time = nowMs.toString(16).padStart(12, '0');
  const a = (0x7000 | (((random[0]! << 8) | random[1]!) & 0x0fff)).toString(16);
  const b = (0x8000 | (((random[2]! << 8) | random[3]!) & 0x3fff)).toString(16);
  let rest = '';
  for (let i = 4; i < 8; i++) rest += random[i]!.toString(16).padStart(2, '0');
  return `job_${time}${a}${b}${rest}${groupNumber.toString(16).padStart(4, '0')}`;
}

export const isJobId = (text: string): boolean => /^job_[0-9a-f]{32}$/.test(text);

export const groupNumberOf = (jobId: string): number => Number.parseInt(jobId.slice(-4), 16);
