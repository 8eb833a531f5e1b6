import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf, SILENCE_MS, workerKey, WORKERS } from './group-keys.js';
import beatGroup from './scripts/beat-group.lua';
import beatWorker from './scripts/beat-worker.lua';

const BEAT_EVERY_MS = 2_000;
const WINDOW_PER_CAPACITY = 2;

export interface WorkerBeatOptions {
  workerId: string;
  groups: readonly string[];
  concurrency: number;
  /** What must be renewed as long as the worker lives: leases. */
  alsoOnBeat: () => Promise<void>;
  /** A beat was refused or could not be sent. */
  onError: (error: Error) => void;
}

/** Says every two seconds that this worker lives; silence for seven means that its jobs are free for others. */
export class WorkerBeat {
  private readonly beatWorker: Script<number>;
  private readonly beatGroup: Script<number>;
  private timer: NodeJS.Timeout | undefined;
  private beating = false;
  private isLeaving = false;

  constructor(
    private readonly redis: Redis,
    private readonly options: WorkerBeatOptions,
  ) {
    this.beatWorker = defineScript(redis, 'sluiceBeatWorker', 1, beatWorker);
    this.beatGroup = defineScript(redis, 'sluiceBeatGroup', 3, beatGroup);
  }

  async start(): Promise<void> {
    this.timer = setInterval(() => this.tick(), BEAT_EVERY_MS);
    await this.beat(this.options.concurrency);
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
    const { workerId, groups } = this.options;
    const about = workerKey(workerId);
    const writes: Promise<unknown>[] = [this.beatWorker(WORKERS, workerId, concurrency === 0 ? 1 : 0)];
    if (concurrency > 0) writes.push(this.redis.set(about, JSON.stringify({ groups }), 'PX', 3_600_000));
    for (const group of groups) {
      const k = keysOf(group);
      const here = this.isLeaving ? 0 : concurrency;
      writes.push(this.beatGroup(k.workers, k.capacity, k.pace, workerId, here, SILENCE_MS, WINDOW_PER_CAPACITY));
    }
    await Promise.all(writes);
  }
}

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
