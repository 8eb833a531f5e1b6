import { groupNumberOf } from '@sluice/core';
import type { Redis } from 'ioredis';
import numberGroups from './scripts/number-groups.lua';

export const GROUPS = 'sluice:groups';

/** Gives each group a number for good, so that a job id leads to its group. Safe to repeat; once per process, at start. */
export async function numbersOfGroups(redis: Redis, groups: readonly string[]): Promise<Map<string, number>> {
  if (groups.length === 0) return new Map();
  const numbers = (await redis.eval(numberGroups, 1, GROUPS, ...groups)) as number[];
  return new Map(groups.map((group, i) => [group, numbers[i]!]));
}

/** Not more often: ids that lead nowhere can be asked for at will. */
const READ_AT_MOST_EVERY_MS = 200;

/** The way back: whose jobs have ids that end in a number. Groups that no configuration has any more among them. */
export class GroupsOfIds {
  private byNumber: ReadonlyMap<number, readonly string[]> = new Map();
  private readAt = -Infinity;

  constructor(private readonly redis: Redis) {}

  /** Mostly one: numbers are given out again after 65,535 groups. Empty: no job has such an id. */
  async of(jobId: string): Promise<readonly string[]> {
    const number = groupNumberOf(jobId);
    const known = this.byNumber.get(number);
    if (known !== undefined) return known;
    if (performance.now() - this.readAt > READ_AT_MOST_EVERY_MS) await this.read();
    return this.byNumber.get(number) ?? [];
  }

  private async read(): Promise<void> {
    const groups = Object.entries(await this.redis.hgetall(GROUPS)).filter(([group]) => group !== ''); // '' counts them
    const byNumber = new Map<number, string[]>();
    for (const [group, number] of groups)
      byNumber.set(Number(number), [...(byNumber.get(Number(number)) ?? []), group]);
    this.byNumber = byNumber;
    this.readAt = performance.now();
  }
}
