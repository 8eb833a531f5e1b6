import type { Redis } from 'ioredis';
import { keysOf, SILENCE_MS } from './group-keys.js';
import { GROUPS } from './group-numbers.js';
import type { JobRecords } from './job-records.js';

const LOOK_EVERY_MS = 5_000;
/** Longer than workers with another configuration take to be restarted. */
const WITHOUT_WORKER_MS = 60_000;
const AT_ONCE = 500;

export interface LeftOverJobsOptions {
  /** Groups of this process's configuration, and those that it still drains. */
  isKnown: (group: string) => boolean;
  /** How such a job ends, JSON. */
  outcome: string;
  onEnded: (group: string, jobs: number) => void;
  onError: (error: Error) => void;
}

/**
 * Ends the jobs of groups that were in the configuration when they were accepted, and are not since a restart: no worker will
 * ever take them, and their callers would wait until the deadline. A group that a worker somewhere still serves is left
 * alone. Every worker looks; a job is ended once all the same.
 */
export class LeftOverJobs {
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  /** Groups nobody serves, and since when (monotonic ms) this process has seen it so. */
  private readonly aloneSince = new Map<string, number>();

  constructor(
    private readonly redis: Redis,
    private readonly records: Pick<JobRecords, 'expire' | 'unfinished'>,
    private readonly options: LeftOverJobsOptions,
    private readonly withoutWorkerMs = WITHOUT_WORKER_MS,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.tick(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    if (this.looking) return;
    this.looking = true;
    this.look()
      .catch(this.options.onError)
      .finally(() => (this.looking = false));
  }

  async look(): Promise<void> {
    const named = await this.redis.hkeys(GROUPS); // '' counts them
    const unknown = named.filter((group) => group !== '' && !this.options.isKnown(group));
    for (const group of this.aloneSince.keys()) if (!unknown.includes(group)) this.aloneSince.delete(group);
    await Promise.all(unknown.map((group) => this.lookAt(group)));
  }

  /** Groups of which nobody else reads what is left in their ledger. */
  get forsaken(): readonly string[] {
    const isLong = (since: number): boolean => performance.now() - since >= this.withoutWorkerMs;
    return [...this.aloneSince].flatMap(([group, since]) => (isLong(since) ? [group] : []));
  }

  private async lookAt(group: string): Promise<void> {
    const [unfinished, entries] = await Promise.all([
      this.records.unfinished(group),
      this.redis.xlen(keysOf(group).ledger),
    ]);
    if (unfinished + entries === 0 || (await this.hasWorker(group))) {
      this.aloneSince.delete(group);
      return;
    }
    const since = this.aloneSince.get(group) ?? performance.now();
    this.aloneSince.set(group, since);
    if (performance.now() - since < this.withoutWorkerMs) return;
    const ended = await this.endAll(group);
    if (ended > 0) this.options.onEnded(group, ended);
  }

  private async hasWorker(group: string): Promise<boolean> {
    const [[seconds], [, beat]] = await Promise.all([
      this.redis.time(),
      this.redis.zrevrange(keysOf(group).workers, 0, 0, 'WITHSCORES'),
    ]);
    return beat !== undefined && Number(seconds) * 1_000 - Number(beat) <= SILENCE_MS;
  }

  private async endAll(group: string): Promise<number> {
    const { due } = keysOf(group);
    let ended = 0;
    for (;;) {
      const jobIds = await this.redis.zrange(due, 0, `${AT_ONCE - 1}`);
      const results = await Promise.all(jobIds.map((jobId) => this.endOne(group, jobId)));
      const now = results.filter(Boolean).length;
      if (now === 0) return ended; // none is left, or somebody serves the group again
      ended += now;
    }
  }

  /** Its time is over: what ends a job that is past its time ends this one, wherever it waits. */
  private async endOne(group: string, jobId: string): Promise<boolean> {
    await this.redis.zadd(keysOf(group).due, 'XX', 0, jobId);
    return (await this.records.expire(group, { jobId, state: 'failed', outcome: this.options.outcome })) !== undefined;
  }
}
