import type { Redis } from 'ioredis';

const REFRESH_MS = 30_000;

/** Redis TIME as this process knows it: machines' clocks differ, deadlines and cooldowns must not. */
export class RedisClock {
  private offsetMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly redis: Redis) {}

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.refresh().catch(() => undefined), REFRESH_MS); // away: the last offset holds
    this.timer.unref();
    await this.refresh();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Unix ms. */
  readonly nowMs = (): number => Math.round(performance.timeOrigin + performance.now() + this.offsetMs);

  private async refresh(): Promise<void> {
    const sentAt = performance.timeOrigin + performance.now();
    const [seconds, micros] = await this.redis.time();
    const cameAt = performance.timeOrigin + performance.now();
    this.offsetMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (sentAt + cameAt) / 2;
  }
}
