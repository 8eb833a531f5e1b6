import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf, REAPER, SILENCE_MS, workerKey, WORKERS } from './group-keys.js';
import freeDeadWorkersJobs from './scripts/free-dead-workers-jobs.lua';
import type { AboutWorker } from './worker-beat.js';

const LOOK_EVERY_MS = 1_000;
/** After Redis was away everybody seems silent: time for all to beat again. */
const CONNECTED_FOR_MS = 10_000;
/** A dead worker's jobs are looked for this long: one may become active in the moment of its death. */
const REMEMBERED_MS = 60_000;

/**
 * BullMQ restarts the jobs of a killed worker when their locks run out, after up to 27 s. This frees them after 7 s of
 * silence. One process in the cluster does it at a time; a false alarm is harmless, since a second run fences the first.
 */
export class DeadWorkerReaper {
  private readonly freeJobs: Script<number>;
  private timer: NodeJS.Timeout | undefined;
  private connectedSinceMs = performance.now();
  private looking = false;
  private readonly onReady = (): void => void (this.connectedSinceMs = performance.now());

  constructor(
    private readonly redis: Redis,
    private readonly selfId: string,
    private readonly onFreed: (workerId: string, jobs: number) => void,
    private readonly onError: (error: Error) => void,
  ) {
    this.freeJobs = freeJobsOf(redis);
  }

  async start(): Promise<void> {
    this.redis.on('ready', this.onReady);
    const [, uptime] = /uptime_in_seconds:(\d+)/.exec(await this.redis.info('server')) ?? [];
    this.connectedSinceMs = performance.now() - Number(uptime ?? 0) * 1_000; // what ran before us was heard by Redis
    this.timer = setInterval(() => this.tick(), LOOK_EVERY_MS);
  }

  /** Beats or looks were refused: everybody seems silent for a while. */
  postpone(): void {
    this.connectedSinceMs = performance.now();
  }

  stop(): void {
    clearInterval(this.timer);
    this.redis.off('ready', this.onReady);
  }

  private tick(): void {
    if (this.looking || performance.now() - this.connectedSinceMs < CONNECTED_FOR_MS) return;
    this.looking = true;
    this.look()
      .catch((error: Error) => {
        this.postpone();
        this.onError(error);
      })
      .finally(() => (this.looking = false));
  }

  private async look(): Promise<void> {
    const mine = await this.redis.set(REAPER, this.selfId, 'PX', LOOK_EVERY_MS * 2, 'NX');
    if (mine === null && (await this.redis.get(REAPER)) !== this.selfId) return;
    const [seconds] = await this.redis.time();
    const nowMs = Number(seconds) * 1_000;
    const silent = await this.redis.zrangebyscore(WORKERS, '-inf', nowMs - SILENCE_MS, 'WITHSCORES');
    for (let i = 0; i < silent.length; i += 2) {
      if (silent[i] === this.selfId) continue; // who reaps lives
      await this.free(silent[i]!);
      if (Number(silent[i + 1]) < nowMs - REMEMBERED_MS) {
        await this.redis.zrem(WORKERS, silent[i]!);
        await this.redis.del(workerKey(silent[i]!));
      }
    }
  }

  private async free(workerId: string): Promise<void> {
    const about = await this.redis.get(workerKey(workerId));
    if (about === null) return;
    const { groups, runsSuspects } = JSON.parse(about) as AboutWorker;
    let freed = 0;
    for (const group of groups) {
      const k = keysOf(group);
      const keys = runsSuspects
        ? [k.suspectActive, k.suspectStalled, k.suspectStalledCheck, k.suspectJob]
        : [k.bullActive, k.bullStalled, k.bullStalledCheck, k.bullJob];
      freed += await this.freeJobs(...keys, workerId);
    }
    if (freed > 0) this.onFreed(workerId, freed);
  }
}

/** Keys of BullMQ's active list, stalled set and check, prefix of its jobs, then names of workers. */
export const freeJobsOf = (redis: Redis): Script<number> =>
  defineScript(redis, 'sluiceFreeDeadWorkersJobs', 3, freeDeadWorkersJobs);
