import { Queue, type QueueOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { INFERENCE, queuePrefix } from './group-keys.js';
import type { JobEnvelope } from './job-envelope.js';

/** One set of options for the queues that QueueModule makes at start and for those that come later. */
export const groupQueueOptions = (
  group: string,
  name = INFERENCE,
): Omit<QueueOptions, 'connection'> & { name: string } => ({
  name,
  prefix: queuePrefix(group),
  streams: { events: { maxLen: 200 } }, // nobody reads it; the default keeps 10,000 events a queue
  defaultJobOptions: {
    attempts: 1, // retries are ours
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 1_000, age: 86_400 },
  },
});

export function openGroupQueue(redis: Redis, group: string, queueName = INFERENCE): Queue<JobEnvelope> {
  const { name, ...options } = groupQueueOptions(group, queueName);
  const queue = new Queue<JobEnvelope>(name, { ...options, connection: redis });
  queue.on('error', () => undefined); // the connection's owner tells; without a listener Node would end the process
  return queue;
}
