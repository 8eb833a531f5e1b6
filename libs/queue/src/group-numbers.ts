import type { Redis } from 'ioredis';
import { defineScript } from './define-script.js';
import numberGroups from './scripts/number-groups.lua';

const GROUPS = 'sluice:groups';

/** Gives each group a number for good, so that a job id leads to its group. Safe to repeat. */
export async function numbersOfGroups(redis: Redis, groups: readonly string[]): Promise<Map<string, number>> {
  if (groups.length === 0) return new Map();
  const script = defineScript<number[]>(redis, 'sluiceNumberGroups', 1, numberGroups);
  const numbers = await script(GROUPS, ...groups);
  return new Map(groups.map((group, i) => [group, numbers[i]!]));
}
