import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { drainChannel, keysOf, SILENCE_MS, workerKey, WORKERS } from './group-keys.js';
import beatGroup from './scripts/beat-group.lua';
import beatWorker from './scripts/beat-worker.lua';

const BEAT_EVERY_MS = 2_000;
const WINDOW_PER_CAPACITY = 2;

export interface WorkerBeatOptions {
  workerId: string;
  /** At start; `join` and `leave` change them. */
  groups: readonly string[];
  concurrency: number;
  /** It runs suspects and nothing else: its groups must not count on it. */
  runsSuspects: boolean;
  /** Jobs that it runs now. */
  running: () => number;
  /** Whether it ran calls of the group that somebody waited for, since it was asked last. */
  wasCalled: (group: string) => boolean;
  /** What must be renewed as long as the worker lives: leases. */
  alsoOnBeat: () => Promise<void>;
  /** A beat was refused or could not be sent. */
  onError: (error: Error) => void;
}

/** What stands in `sluice:worker:<id>`, for who finds it dead, and for operators. */
export interface AboutWorker {
  groups: readonly string[];
  runsSuspects: boolean;
  /** Jobs of each group that it runs at a time. */
  concurrency: number;
  running: number;
  /** It takes no more jobs. */
  isDraining: boolean;
  /** Unix ms, by its own clock. */
  startedAtMs: number;
}

/** Says every two seconds that this worker lives; silence for seven means that its jobs are free for others. */
export class WorkerBeat {
  private readonly beatWorker: Script<number>;
  private readonly beatGroup: Script<number>;
  private timer: NodeJS.Timeout | undefined;
  private beating = false;
  private isLeaving = false;
  private readonly startedAtMs = Date.now();
  /** Whether this worker is counted on. A group that it has left stays until its jobs here are over: who frees them looks. */
  private readonly groups: Map<string, 'counted' | 'left'>;

  constructor(
    private readonly redis: Redis,
    private readonly options: WorkerBeatOptions,
  ) {
    this.groups = new Map(options.groups.map((group) => [group, 'counted']));
    this.beatWorker = defineScript(redis, 'sluiceBeatWorker', 1, beatWorker);
    this.beatGroup = defineScript(redis, 'sluiceBeatGroup', 3, beatGroup);
  }

  async start(): Promise<void> {
    this.timer = setInterval(() => this.tick(), BEAT_EVERY_MS);
    await this.beat(this.options.concurrency);
  }

  /** One more group counts on this worker, from the reply on. */
  async join(group: string): Promise<void> {
    this.groups.set(group, 'counted');
    await Promise.all([this.tellGroups(), this.tellGroup(group, this.options.concurrency)]);
  }

  /** The group does not count on this worker any more, from the reply on. `forget` it when its jobs here are over. */
  async leave(group: string): Promise<void> {
    this.groups.set(group, 'left');
    await this.tellGroup(group, 0);
  }

  forget(group: string): void {
    this.groups.delete(group);
  }

  /** Takes no more jobs: its groups must not count on it. Its own beat goes on, for the jobs that it still runs. */
  async leaveGroups(): Promise<void> {
    this.isLeaving = true;
    await this.beat(this.options.concurrency);
  }

  /** Says good-bye, so that a group without workers is known at once. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.beat(0).catch(this.options.onError);
  }

  private tick(): void {
    if (this.beating) return; // Redis is away: the commands of the last beat still wait for it
    this.beating = true;
    Promise.all([this.beat(this.options.concurrency), this.options.alsoOnBeat()])
      .catch(this.options.onError)
      .finally(() => (this.beating = false));
  }

  private async beat(concurrency: number): Promise<void> {
    const writes: Promise<unknown>[] = [this.beatWorker(WORKERS, this.options.workerId, concurrency === 0 ? 1 : 0)];
    if (concurrency > 0) writes.push(this.tellGroups());
    for (const [group, how] of this.groups) writes.push(this.tellGroup(group, how === 'left' ? 0 : concurrency));
    await Promise.all(writes);
  }

  /** For whoever frees the jobs of this worker when it is dead. */
  private tellGroups(): Promise<unknown> {
    const { workerId, runsSuspects, concurrency, running } = this.options;
    const about: AboutWorker = {
      groups: [...this.groups.keys()],
      runsSuspects,
      concurrency,
      running: running(),
      isDraining: this.isLeaving,
      startedAtMs: this.startedAtMs,
    };
    return this.redis.set(workerKey(workerId), JSON.stringify(about), 'PX', 3_600_000);
  }

  private async tellGroup(group: string, concurrency: number): Promise<void> {
    if (this.options.runsSuspects) return; // nobody counts on it
    const { workers, capacity, pace } = keysOf(group);
    const here = this.isLeaving ? 0 : concurrency;
    const { workerId, wasCalled } = this.options;
    const called = wasCalled(group) ? 1 : 0;
    await this.beatGroup(workers, capacity, pace, workerId, here, SILENCE_MS, WINDOW_PER_CAPACITY, called);
  }
}

export interface WorkerLook extends AboutWorker {
  workerId: string;
  lastBeatMs: number;
}

/** Every worker that has beaten in the last minute or so, by id. @param lastBeatMs ms ago */
export async function lookAtWorkers(redis: Redis): Promise<WorkerLook[]> {
  const [[seconds, micros], all] = await Promise.all([redis.time(), redis.zrange(WORKERS, 0, '-1', 'WITHSCORES')]);
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const beats = new Map<string, number>();
  for (let i = 0; i < all.length; i += 2) beats.set(all[i]!, nowMs - Number(all[i + 1]));
  const looks = await Promise.all(
    [...beats].map(async ([workerId, lastBeatMs]) => {
      const about = await redis.get(workerKey(workerId)); // one by one: their keys lie in slots of their own
      return about === null ? undefined : { workerId, lastBeatMs, ...(JSON.parse(about) as AboutWorker) };
    }),
  );
  return looks.filter((look) => look !== undefined).toSorted((a, b) => (a.workerId < b.workerId ? -1 : 1));
}

/** Asks a worker to take no more jobs. @returns false: nobody of that name listens */
export const drainWorker = async (redis: Redis, workerId: string): Promise<boolean> =>
  (await redis.publish(drainChannel(workerId), '')) > 0;

/** Age of the last beat of the workers whose id begins so, ms; undefined when there is none. */
export async function youngestBeatMs(redis: Redis, workerIdPrefix: string): Promise<number | undefined> {
  const [seconds, micros] = await redis.time();
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const all = await redis.zrevrange(WORKERS, 0, -1, 'WITHSCORES');
  for (let i = 0; i < all.length; i += 2) {
    if (all[i]!.startsWith(workerIdPrefix)) return nowMs - Number(all[i + 1]);
  }
  return undefined;
}
