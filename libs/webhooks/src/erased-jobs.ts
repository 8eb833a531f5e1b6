import { endsUntried, nextLookAtErased, type DeliveryPlan, type DeliveryTry } from '@sluice/core';
import type { Redis } from 'ioredis';
import { laneOf } from './delivery-queue.js';
import endErased from './scripts/end-erased.lua';
import { webhookKeys as k } from './webhook-keys.js';

const AT_ONCE = 200;

type EndErased = (...keysAndArguments: string[]) => Promise<0 | 1>;

/**
 * Jobs that their owners erased: what their deliveries say of them goes too. A receiver that has not been asked yet gets one
 * try, so that an erasure right after the end of a job does not swallow its callback; then nothing is tried again.
 */
export class ErasedJobs {
  private readonly endErased: EndErased;

  constructor(private readonly redis: Redis) {
    redis.defineCommand('sluiceEndErased', { numberOfKeys: 3, lua: endErased });
    const { sluiceEndErased } = redis as unknown as { sluiceEndErased: EndErased };
    this.endErased = (...args) => sluiceEndErased.apply(redis, args);
  }

  /** Safe to repeat. @param nowMs Redis TIME */
  async note(jobIds: readonly string[], nowMs: number): Promise<void> {
    if (jobIds.length === 0) return;
    await this.redis.zadd(k.erased, ...jobIds.flatMap((jobId) => [nowMs, `${jobId} ${nowMs}`]));
  }

  async areDue(nowMs: number): Promise<boolean> {
    return (await this.redis.zcount(k.erased, '-inf', nowMs)) > 0;
  }

  /**
   * Ends what waits and blanks what is over, of some of them.
   * @param blank the store's: of those that are over. Returns the plans of those that are not
   */
  async tend(blank: (jobIds: readonly string[]) => Promise<readonly DeliveryPlan[]>, nowMs: number): Promise<void> {
    const due = await this.redis.zrangebyscore(k.erased, '-inf', nowMs, 'LIMIT', 0, AT_ONCE);
    if (due.length === 0) return;
    const jobs = due.map((member) => ({ member, jobId: member.split(' ')[0]!, atMs: Number(member.split(' ')[1]) }));
    const open = await blank(jobs.map(({ jobId }) => jobId));
    await Promise.all(
      jobs.map(async ({ member, jobId, atMs }) => {
        const mine = open.filter((plan) => plan.jobId === jobId);
        await Promise.all(mine.map((plan) => this.end(plan, endsUntried(atMs, nowMs), nowMs)));
        const nextMs = nextLookAtErased(atMs, nowMs, mine.length > 0);
        await (nextMs === undefined ? this.redis.zrem(k.erased, member) : this.redis.zadd(k.erased, nextMs, member));
      }),
    );
  }

  private async end(plan: DeliveryPlan, isUntriedToo: boolean, nowMs: number): Promise<void> {
    const attempt: DeliveryTry = { atMs: nowMs, statusCode: null, error: 'job_erased' };
    const keys = [k.delivery(plan.id), k.waiting(laneOf(plan)), k.unwritten];
    await this.endErased(...keys, plan.id, JSON.stringify(attempt), isUntriedToo ? '1' : '');
  }
}
