import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf } from './group-keys.js';
import { bullJobId, type JobEnvelope } from './job-envelope.js';
import feedWindow from './scripts/feed-window.lua';
import sweepGroup from './scripts/sweep-group.lua';
import { withDurable } from './with-parts.js';

const FEED_AT_MOST = 500;
const SWEEP_AT_MOST = 2_000;
const REGULAR_ROUND_MS = 1_000;
/** What was fed since may be on its way to BullMQ: other feeders leave room for it. */
const ADD_TAKES_MS = 1_000;
/** An `add` that BullMQ has not seen after so long was lost between record and queue. */
export const ADD_LOST_MS = 5_000;

/**
 * Past its queue time or deadline unstarted; or running long after its deadline: its worker lost it. `no_room`: a durable job
 * that was begun, and nobody was free for it.
 */
export interface OverdueJob {
  jobId: string;
  how: 'queued' | 'running' | 'no_room';
}

/**
 * Moves jobs of one group from the backlog into BullMQ's window, in order. Every worker runs one; the script takes each
 * job out of the backlog once, and what an interrupted feed leaves behind is swept.
 */
export class BacklogFeeder {
  private readonly feedWindow: Script<[number, number, ...(string | number)[]]>;
  private readonly sweepGroup: Script<[number, ...(string | number)[]]>;
  private feeding: Promise<void> | undefined;
  private again = false;
  private opening: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly redis: Redis,
    private readonly group: string,
    private readonly queue: Queue<JobEnvelope>,
  ) {
    this.feedWindow = defineScript(redis, 'sluiceFeedWindow', 5, withDurable(feedWindow));
    this.sweepGroup = defineScript(redis, 'sluiceSweepGroup', 2, sweepGroup);
  }

  /** Safe to call at any time and often: calls that come while it runs lead to one more run. */
  feed(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    this.again = this.feeding !== undefined;
    this.feeding ??= this.run();
    return this.feeding;
  }

  private async run(): Promise<void> {
    const k = keysOf(this.group);
    const keys = [k.backlog, k.fed, k.bullWait, k.bullActive, k.pace];
    try {
      do {
        this.again = false;
        const reply = await this.feedWindow(...keys, FEED_AT_MOST, k.keyPrefix, ADD_TAKES_MS, FEED_AT_MOST);
        const [shutMs, waiting, ...fed] = reply;
        await addFed(this.queue, fed);
        if (shutMs > 0 && waiting > 0) this.feedIn(shutMs);
      } while (this.again);
    } finally {
      this.feeding = undefined; // in the same turn as the last look at `again`: no call may fall in between
    }
  }

  /** When the gate opens, and not a second later: the regular round comes each second only. */
  private feedIn(ms: number): void {
    clearTimeout(this.opening); // it may open sooner than was known
    if (ms > REGULAR_ROUND_MS || this.stopped) return;
    this.opening = setTimeout(() => {
      this.feed().catch(() => undefined); // the regular round tells of trouble
    }, ms + 1);
  }

  /** Takes nothing out of the backlog any more: who stops could not add it. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.opening);
  }

  /**
   * One worker at a time does this. Jobs past their time come first: ending them makes room in a Redis that is too full for
   * anything to be added.
   */
  async sweep(expire: (job: OverdueJob) => Promise<void>): Promise<void> {
    const k = keysOf(this.group);
    if (!(await this.isMyTurn(k.sweeper))) return;
    const [count, ...rest] = await this.sweepGroup(k.due, k.fed, SWEEP_AT_MOST, ADD_LOST_MS, k.recordPrefix, k.bullJob);
    for (let i = 0; i < count; i++) {
      await expire({ jobId: rest[2 * i] as string, how: rest[2 * i + 1] as OverdueJob['how'] });
    }
    await addFed(this.queue, rest.slice(2 * count));
  }

  /** A full Redis notes no turns: then all sweep, which is safe. */
  private async isMyTurn(sweeper: string): Promise<boolean> {
    const turn = this.redis.set(sweeper, 1, 'PX', ADD_LOST_MS - 500, 'NX');
    return (
      (await turn.catch((refusal: Error) => (refusal.message.startsWith('OOM') ? 'OK' : Promise.reject(refusal)))) !==
      null
    );
  }
}

/** @param triples id, n, inbox, … as the scripts return them */
export async function addFed(queue: Queue<JobEnvelope>, triples: (string | number)[]): Promise<void> {
  const jobs = [];
  for (let i = 0; i < triples.length; i += 3) {
    const jobId = triples[i] as string;
    const data: JobEnvelope = { jobId, replyTo: triples[i + 2] as string };
    jobs.push({ name: 'chat', data, opts: { jobId: bullJobId(jobId, triples[i + 1] as number) } });
  }
  if (jobs.length > 0) await queue.addBulk(jobs);
}
