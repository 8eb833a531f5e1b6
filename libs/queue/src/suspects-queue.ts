import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { addFed, ADD_LOST_MS } from './backlog-feeder.js';
import { freeJobsOf } from './dead-worker-reaper.js';
import { defineScript, type Script } from './define-script.js';
import { keysOf, SUSPECTS } from './group-keys.js';
import { openGroupQueue } from './group-queue.js';
import { bullJobId, type JobEnvelope, type JobTurn } from './job-envelope.js';
import countSuspectCrash from './scripts/count-suspect-crash.lua';
import isolateJob from './scripts/isolate-job.lua';
import sweepGroup from './scripts/sweep-group.lua';

const SWEEP_AT_MOST = 500;

/**
 * Jobs of one group whose worker was lost under them three times. They run one at a time, in a process that runs nothing
 * else: if that dies, one of them is the cause. Kept as the others are, in a queue of BullMQ of its own; a suspect never
 * returns to the backlog.
 */
export class SuspectsQueue {
  private readonly isolateJob: Script<[] | [n: number, replyTo: string, crashes: number]>;
  private readonly sweepGroup: Script<[number, ...(string | number)[]]>;
  private readonly countSuspectCrash: Script<string[]>;
  private readonly queue: Queue<JobEnvelope>;

  constructor(
    private readonly redis: Redis,
    private readonly group: string,
  ) {
    this.isolateJob = defineScript(redis, 'sluiceIsolateJob', 4, isolateJob);
    this.sweepGroup = defineScript(redis, 'sluiceSweepGroup', 2, sweepGroup);
    this.countSuspectCrash = defineScript(redis, 'sluiceCountSuspectCrash', 1, countSuspectCrash);
    this.queue = openGroupQueue(redis, group, SUSPECTS);
  }

  /** For the run that `begin` told so. @returns its crashes so far; undefined: it is not that run's (any more) */
  async isolate({ jobId, fed, token }: JobTurn): Promise<number | undefined> {
    const k = keysOf(this.group);
    const keys = [k.record(jobId), k.due, k.suspects, `${k.bullJob}${bullJobId(jobId, fed)}:lock`];
    const [n, replyTo, crashes] = await this.isolateJob(...keys, jobId, fed, token);
    if (n === undefined) return undefined;
    await addFed(this.queue, [jobId, n, replyTo!]); // lost on the way, it is swept
    return crashes;
  }

  /** Whether there are any. Adds again what was lost between record and queue; safe to call by several at once. */
  async look(): Promise<boolean> {
    const k = keysOf(this.group);
    const [handedOver, waiting, running] = await Promise.all([
      this.redis.zcard(k.suspects),
      this.redis.llen(k.suspectWait),
      this.redis.llen(k.suspectActive),
    ]);
    if (handedOver > 0) {
      const keys = [k.due, k.suspects];
      const reply = await this.sweepGroup(...keys, SWEEP_AT_MOST, ADD_LOST_MS, k.recordPrefix, k.suspectJob);
      await addFed(this.queue, reply.slice(1 + 2 * reply[0])); // what is overdue, the group's own sweep finds
    }
    return handedOver + waiting + running > 0;
  }

  /** The process that runs them died by itself: counts, and has its jobs started elsewhere. @returns ids of what it ran */
  async crashed(workerId: string): Promise<string[]> {
    const k = keysOf(this.group);
    const jobs = await this.countSuspectCrash(k.suspectActive, k.suspectJob, k.recordPrefix, workerId);
    await freeJobsOf(this.redis)(k.suspectActive, k.suspectStalled, k.suspectStalledCheck, k.suspectJob, workerId);
    return jobs;
  }

  close(): Promise<void> {
    return this.queue.close();
  }
}
