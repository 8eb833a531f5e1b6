import type { Redis } from 'ioredis';
import { keysOf } from './group-keys.js';

/**
 * Whether somebody waited for calls of these groups of late, whichever worker ran them: workers say so with their beats, so
 * it costs the calls nothing and is known two seconds later at the most.
 * @param sinceMs Redis TIME
 */
export async function calledSince(redis: Redis, groups: Iterable<string>, sinceMs: number): Promise<boolean> {
  const beats = await Promise.all([...groups].map((group) => redis.hget(keysOf(group).pace, 'called')));
  return beats.some((atMs) => Number(atMs ?? 0) >= sinceMs);
}
