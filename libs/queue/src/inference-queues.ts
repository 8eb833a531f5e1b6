import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { bullJobId, type JobEnvelope } from './job-envelope.js';
import { FEED_CHANNEL } from './group-keys.js';
import { openGroupQueue } from './group-queue.js';
import { JobRecords, type Accepted, type NewJob } from './job-records.js';

/** How long a reply of the accept script says which way the next job goes. */
const HINT_MS = 1_000;
/** Jobs on their way past the backlog, of which no reply has told yet whether there is room: what may overtake at most. */
const MOST_UNANSWERED = 500;

const RETRY_MS = 500;
const MOST_ABANDONED = 10_000;
const ABANDONED = JSON.stringify({
  state: 'cancelled',
  error: { code: 'storage_unavailable', message: 'Its acceptance was not confirmed.' },
});

/** Redis is away: said at once, before anything is sent. */
export class StorageAwayError extends Error {
  override readonly name = 'StorageAwayError';
}

/** The queues of all model groups, from the api's side: taking jobs in. */
export class InferenceQueues {
  private readonly queues = new Map<string, Queue<JobEnvelope>>();
  /** Groups whose next job goes to the backlog, and until when (monotonic ms) that is believed. */
  private readonly blockedUntil = new Map<string, number>();

  /** Groups whose feeders will be told in this turn of the event loop. */
  private readonly nudged = new Set<string>();

  private unanswered = 0;

  private readonly abandoned: { group: string; jobId: string }[] = [];
  private settleAbandoned: Promise<void> | undefined;
  private stopped = false;

  /** @param atStart the queues of the groups known at start, made by QueueModule */
  constructor(
    private readonly redis: Redis,
    private readonly records: JobRecords,
    atStart: Iterable<readonly [group: string, queue: Queue<JobEnvelope>]> = [],
  ) {
    for (const [group, queue] of atStart) this.queues.set(group, queue);
  }

  /**
   * Writes the record and hands the job to BullMQ, in one round trip where nothing waits. Safe to repeat with the same
   * job id. Follow the job BEFORE this: a fast worker answers before it returns.
   * @throws when Redis does not answer within a second, or (`durability: strict`) a durable job is not on disk in time
   */
  async accept(group: string, job: NewJob): Promise<Accepted> {
    if (this.redis.status !== 'ready') throw new StorageAwayError(); // an `add` would wait for its return, and pile up
    const isBlocked = this.unanswered >= MOST_UNANSWERED || (this.blockedUntil.get(group) ?? 0) > performance.now();
    const isDirect = !isBlocked && !job.toBacklog;
    const accepted = this.records.accept(group, job, isDirect);
    if (isDirect) await this.addBehind(accepted, group, job);
    const reply = await accepted;
    const isStray = reply.kind !== 'accepted' || (reply.nextToBacklog && job.durable !== undefined);
    if (isDirect && isStray) this.takeBack(group, job);
    if (reply.kind !== 'accepted' || reply.nextToBacklog) this.blockedUntil.set(group, performance.now() + HINT_MS);
    else if (isBlocked) this.blockedUntil.delete(group);
    if (reply.kind === 'accepted' && reply.feedNow) this.nudge(group);
    if (reply.kind === 'accepted' && job.durable !== undefined) await this.records.onDisk.accepted(group, job.jobId);
    return reply;
  }

  /** The job is taken in, whether this is heard or not, and the feeders look each second anyway. Once for all that came with it. */
  private nudge(group: string): void {
    if (this.nudged.has(group)) return;
    this.nudged.add(group);
    setImmediate(() => {
      this.nudged.delete(group);
      this.redis.publish(FEED_CHANNEL, group).catch(() => undefined);
    });
  }

  /**
   * A job whose acceptance is not known, since Redis went away in between, and whose caller got an error: it is cancelled
   * as soon as Redis is back.
   */
  abandon(group: string, jobId: string): void {
    if (this.abandoned.length < MOST_ABANDONED) this.abandoned.push({ group, jobId });
    this.settleAbandoned ??= this.cancelAbandoned();
  }

  private async cancelAbandoned(): Promise<void> {
    while (this.abandoned.length > 0 && !this.stopped) {
      const { group, jobId } = this.abandoned[0]!;
      try {
        await this.records.cancel(group, jobId, ABANDONED);
        this.abandoned.shift();
      } catch {
        await new Promise((again) => setTimeout(again, RETRY_MS).unref());
      }
    }
    this.settleAbandoned = undefined; // in the same turn as the last look at the list: none may be added in between
  }

  /** One pipeline, the record first. */
  private async addBehind(accepted: Promise<Accepted>, group: string, job: NewJob): Promise<void> {
    this.unanswered++;
    try {
      await Promise.all([accepted, this.add(group, job)]);
    } finally {
      this.unanswered--;
    }
  }

  private async add(group: string, { jobId, replyTo, tokens }: NewJob): Promise<void> {
    await this.open(group).add('chat', { jobId, replyTo, tokens }, { jobId: bullJobId(jobId, 1) });
  }

  /** It went to BullMQ in one pipeline with a record that was refused, or stands in the backlog: it would lie there for nothing. */
  private takeBack(group: string, { jobId }: NewJob): void {
    const removed = this.open(group).remove(bullJobId(jobId, 1));
    removed.catch(() => undefined); // a worker drops what has no record
  }

  private open(group: string): Queue<JobEnvelope> {
    let queue = this.queues.get(group);
    if (queue === undefined) {
      queue = openGroupQueue(this.redis, group);
      this.queues.set(group, queue);
    }
    return queue;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled([...this.queues.values()].map((queue) => queue.close()));
  }
}
