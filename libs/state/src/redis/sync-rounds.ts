import type { Redis } from 'ioredis';
import markWrite from './scripts/mark-write.lua';

/** What is to be on disk: a look at it, and whether that found it. */
export interface Proof {
  /** A command that reads. */
  look: readonly [command: string, ...rest: string[]];
  holds: (reply: unknown) => boolean;
  /** A key of ours on the same node. */
  marker: string;
}

/** Nobody could say in time that it is on disk, or it is not there any more. */
export class NotOnDiskError extends Error {
  override readonly name = 'NotOnDiskError';
}

type Result = [error: Error | null, reply: unknown];

interface Waiter extends Proof {
  end: (error?: Error) => void;
}

/** `WAITAOF` blocks its connection until the next sync: so many may wait for it, one behind the other. */
const MOST_LANES = 4;
/** Redis syncs once a second: rounds that begin so far apart end with the same sync, and nobody waits for the one after it. */
const APART_MS = 1_000 / MOST_LANES;
/** Looks of one round. */
const MOST_AT_ONCE = 1_000;
const MARKER_KEPT_MS = 60_000;
/** Beyond the time that Redis itself waits. */
const ANSWERS_WITHIN_MS = 1_000;

/**
 * Tells when what a Redis has said is on its disk. All who come before a round begins share it:
 *
 *     look at what each of them saw · write a marker · WAITAOF
 *
 * in one pipeline, on one connection. What the look found was there before the marker, so it is on disk when the marker is.
 * A wait alone would prove nothing: the write that is waited for went over another connection, and the server may have lost
 * it and be back before ours begins.
 */
export class SyncRounds {
  private readonly waiting = new Set<Waiter>();
  private readonly lanes: Redis[] = [];
  private readonly idle: Redis[] = [];
  private running = 0;
  private begunAt = -Infinity;
  private next: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param open another connection to the node */
  constructor(
    private readonly open: () => Redis,
    private readonly withinMs: number,
  ) {}

  /** @throws NotOnDiskError after `withinMs` at the latest */
  prove(proof: Proof): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        ...proof,
        end: (error) => {
          clearTimeout(timer);
          this.waiting.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const timer = setTimeout(() => waiter.end(tooLate()), this.withinMs);
      if (this.stopped) return waiter.end(tooLate());
      this.waiting.add(waiter);
      this.begin();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.next);
    for (const waiter of this.waiting) waiter.end(tooLate());
    for (const lane of this.lanes) lane.disconnect();
  }

  /** Not at once: those that come in this turn of the event loop go along. */
  private begin(): void {
    if (this.stopped || this.next !== undefined || this.waiting.size === 0 || this.running === MOST_LANES) return;
    const inMs = this.running === 0 ? 0 : Math.max(0, this.begunAt + APART_MS - performance.now());
    this.next = setTimeout(() => {
      this.next = undefined;
      void this.round();
    }, inMs);
  }

  private async round(): Promise<void> {
    const waiters = [...this.waiting].slice(0, MOST_AT_ONCE);
    for (const waiter of waiters) this.waiting.delete(waiter);
    if (waiters.length === 0) return;
    this.running++;
    this.begunAt = performance.now();
    this.begin(); // for those that it did not take
    const lane = this.idle.pop() ?? this.openLane();
    try {
      const looks = await this.sync(lane, waiters);
      waiters.forEach(({ end, holds }, i) => {
        const [error, found] = looks[i]!;
        if (error !== null) end(new NotOnDiskError(error.message, { cause: error }));
        else end(holds(found) ? undefined : new NotOnDiskError(GONE));
      });
    } catch (error) {
      const failed = new NotOnDiskError((error as Error).message, { cause: error });
      for (const { end } of waiters) end(failed);
    } finally {
      this.running--;
      this.idle.push(lane);
      this.begin();
    }
  }

  /** @returns what came of each look, when what it found is on disk. @throws otherwise */
  private async sync(lane: Redis, waiters: readonly Waiter[]): Promise<Result[]> {
    await untilUsable(lane, this.withinMs);
    const pipeline = lane.pipeline();
    for (const { look } of waiters) pipeline.call(...look);
    pipeline.call('EVAL', markWrite, 1, waiters[0]!.marker, MARKER_KEPT_MS);
    pipeline.call('WAITAOF', 1, 0, this.withinMs);
    // A connection that says nothing would be of no use to the next round either.
    const guard = setTimeout(() => lane.disconnect(true), this.withinMs + ANSWERS_WITHIN_MS);
    const results = await pipeline.exec().finally(() => clearTimeout(guard));
    const [marked, synced] = results!.slice(-2) as [Result, Result];
    for (const [error] of [marked, synced]) if (error !== null) throw error;
    const [here] = synced[1] as [number, number];
    if (here < 1) throw tooLate();
    return results!.slice(0, waiters.length);
  }

  private openLane(): Redis {
    const lane = this.open();
    this.lanes.push(lane);
    return lane;
  }
}

const GONE = 'What was to be on disk is not there any more.';
const tooLate = (): Error => new NotOnDiskError('Redis did not confirm in time that its file is on disk.');

/** @throws NotOnDiskError when the connection is not back by then */
function untilUsable(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      redis.off('end', onEnd);
    };
    const onReady = (): void => {
      stop();
      resolve();
    };
    const onEnd = (): void => {
      stop();
      reject(tooLate());
    };
    const timer = setTimeout(onEnd, withinMs);
    redis.on('ready', onReady);
    redis.on('end', onEnd);
  });
}
