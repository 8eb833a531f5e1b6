import type { Redis } from 'ioredis';
import { FEED_CHANNEL, keysOf, SUSPECTS } from './group-keys.js';
import { openGroupQueue } from './group-queue.js';
import type { JobRecords } from './job-records.js';

const AT_ONCE = 500;

/**
 * What operators do to the queue of a group. A pause stands in Redis: in the group's pace, which accepting and feeding read
 * anyway, and in BullMQ's two queues, whose workers then fetch nothing. What runs goes on.
 */
export class QueueControl {
  constructor(
    private readonly redis: Redis,
    private readonly records: Pick<JobRecords, 'cancelWaiting'>,
  ) {}

  /** Safe to repeat, as `resume` is: when one half of it failed the next one mends it. */
  async pause(group: string): Promise<void> {
    await this.redis.hset(keysOf(group).pace, 'paused', 1);
    await this.forBoth(group, (queue) => queue.pause());
  }

  async resume(group: string): Promise<void> {
    await this.forBoth(group, (queue) => queue.resume());
    await this.redis.hdel(keysOf(group).pace, 'paused');
    await this.redis.publish(FEED_CHANNEL, group);
  }

  /** Cancels what waits, wherever: in the backlog, delayed, or with BullMQ and not begun. @returns how many */
  async purge(group: string, outcome: string): Promise<number> {
    const { due } = keysOf(group); // holds every job that is not over
    let purged = 0;
    let cursor = '0';
    do {
      const [next, entries] = await this.redis.zscan(due, cursor, 'COUNT', AT_ONCE);
      cursor = next;
      const jobIds = entries.filter((_, i) => i % 2 === 0); // scores between them
      const ends = await Promise.all(jobIds.map((jobId) => this.records.cancelWaiting(group, jobId, outcome)));
      purged += ends.filter((end) => end === 'cancelled').length;
    } while (cursor !== '0');
    return purged;
  }

  private async forBoth(
    group: string,
    change: (queue: ReturnType<typeof openGroupQueue>) => Promise<void>,
  ): Promise<void> {
    const queues = [openGroupQueue(this.redis, group), openGroupQueue(this.redis, group, SUSPECTS)];
    try {
      await Promise.all(queues.map(change));
    } finally {
      await Promise.all(queues.map((queue) => queue.close()));
    }
  }
}
