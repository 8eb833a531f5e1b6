import type { Redis } from 'ioredis';
import { FEED_CHANNEL, keysOf } from './group-keys.js';

/**
 * What shut the group may be no more (a cooldown was ended by hand, another configuration is in force): jobs that wait for its
 * end are fed now, few at first, and shut the gate again when they still find nothing free.
 */
export async function openGate(redis: Redis, group: string): Promise<void> {
  await redis.hset(keysOf(group).pace, 'until', 0);
  await redis.publish(FEED_CHANNEL, group);
}
