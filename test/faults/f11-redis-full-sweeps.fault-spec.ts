import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { BacklogFeeder, type OverdueJob } from '../../libs/queue/src/backlog-feeder.js';
import { keysOf } from '../../libs/queue/src/group-keys.js';
import { openGroupQueue } from '../../libs/queue/src/group-queue.js';
import type { JobEnvelope } from '../../libs/queue/src/job-envelope.js';
import { OwnRedis } from '../support/own-redis.js';

const group = 'full';
const own = new OwnRedis();
let redis: Redis;
let queue: Queue<JobEnvelope>;

beforeAll(async () => {
  await own.start();
  redis = openRedis(own.url, { role: 'worker', onError: () => undefined });
  queue = openGroupQueue(redis, group);
});
afterAll(async () => {
  await redis.config('SET', 'maxmemory', '0');
  await queue.close();
  redis.disconnect();
  await own.stop('SIGKILL');
});

it('F11: a full Redis gets rid of the jobs whose time is over, also when others cannot be added again', async () => {
  const k = keysOf(group);
  const queued = { state: 'queued', fed: 1, replyTo: 'sluice:inbox:none', place: '1 1:default', request: '{}' };
  for (const id of ['job_late', 'job_lost']) await redis.hset(k.record(id), queued);
  await redis.zadd(k.due, 1, 'job_late', Date.now() + 3_600_000, 'job_lost');
  await redis.zadd(k.fed, 1, 'job_lost'); // handed over long ago, and BullMQ has not got it
  await redis.config('SET', 'maxmemory', '1mb');

  const found: OverdueJob[] = [];
  const feeder = new BacklogFeeder(redis, group, queue);
  const end = (job: OverdueJob): void => void found.push(job);
  await feeder.sweep(async (job) => end(job)).catch(() => undefined); // what cannot be added is told
  expect(found).toEqual([{ jobId: 'job_late', how: 'queued' }]);

  await redis.config('SET', 'maxmemory', '0');
  await redis.del(k.sweeper);
  await redis.zadd(k.fed, 1, 'job_lost');
  await feeder.sweep(async (job) => end(job));
  expect(await queue.getWaitingCount()).toBe(1);
});
