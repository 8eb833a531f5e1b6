import type { Redis } from 'ioredis';
import numberGroups from './scripts/number-groups.lua';

export const GROUPS = 'sluice:groups';

/** Gives each group a number for good, so that a job id leads to its group. Safe to repeat; once per process, at start. */
export async function numbersOfGroups(redis: Redis, groups: readonly string[]): Promise<Map<string, number>> {
  if (groups.length === 0) return new Map();
  const numbers = (await redis.eval(numberGroups, 1, GROUPS, ...groups)) as number[];
  return new Map(groups.map((group, i) => [group, numbers[i]!]));
}
