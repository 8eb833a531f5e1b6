import { isStorageFull } from '@sluice/core';
import type { Emit } from '@sluice/telemetry';
import type { Cluster, Redis } from 'ioredis';

const LOOK_EVERY_MS = 1_000;
/** Who is refused looks again, but all of them together no more often than this. */
const LOOK_AGAIN_MS = 100;

/**
 * Whether Redis has room for new calls: looked at each second beside them, so that a call asks a flag. In a Redis Cluster
 * the fullest of the masters counts. What comes between two looks meets Redis' own refusal.
 */
export class StorageGuard {
  private isFull = false;
  private lookedAtMs = -Infinity;
  private looking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly emit: Emit,
  ) {}

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.timer.unref();
    await this.look();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Answers at once while there is room. */
  hasRoom(): boolean | Promise<boolean> {
    if (!this.isFull) return true;
    if (performance.now() - this.lookedAtMs < LOOK_AGAIN_MS) return false;
    return this.look().then(() => !this.isFull);
  }

  private look(): Promise<void> {
    this.looking ??= this.read()
      .catch(() => undefined) // Redis is away: who writes to it hears of that
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async read(): Promise<void> {
    this.lookedAtMs = performance.now();
    const infos = await Promise.all(this.nodes().map((node) => node.info('memory')));
    const wasFull = this.isFull;
    const shares = infos.map((info) => ({ used: bytesIn(info, 'used_memory'), max: bytesIn(info, 'maxmemory') }));
    this.isFull = shares.some(({ used, max }) => isStorageFull(wasFull, used, max));
    if (this.isFull === wasFull) return;
    this.emit(this.isFull ? 'storage.full' : 'storage.has_room', {
      usedPercent: Math.round(Math.max(...shares.map(({ used, max }) => (max > 0 ? (100 * used) / max : 0)))),
    });
  }

  private nodes(): Redis[] {
    const { isCluster } = this.redis as unknown as { isCluster?: boolean };
    return isCluster === true ? (this.redis as unknown as Cluster).nodes('master') : [this.redis];
  }
}

const bytesIn = (info: string, field: string): number =>
  Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
