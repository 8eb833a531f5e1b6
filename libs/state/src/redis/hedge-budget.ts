import { FREE_HEDGES_PER_MINUTE } from '@sluice/core';
import type { Redis } from 'ioredis';
import takeHedge from './scripts/take-hedge.lua';

const MINUTE_MS = 60_000;

/**
 * The cluster's budget of hedges, by group. Calls are counted in this process and told when one of them wants a hedge, so
 * that all others cost nothing; what is older than a minute is not told any more.
 */
export class HedgeBudget {
  private readonly script: (...args: (string | number)[]) => Promise<0 | 1>;
  private readonly calls = new Map<string, { sinceMs: number; count: number }>();

  /** @param clock For tests: Unix ms instead of the Redis server's time. */
  constructor(
    redis: Redis,
    private readonly clock?: () => number,
  ) {
    redis.defineCommand('sluiceTakeHedge', { lua: takeHedge, numberOfKeys: 1 });
    const scripts = redis as unknown as { sluiceTakeHedge: HedgeBudget['script'] };
    this.script = (...args) => scripts.sluiceTakeHedge(...args);
  }

  countCall(group: string): void {
    const nowMs = this.nowMs();
    const known = this.calls.get(group);
    if (known === undefined || nowMs - known.sinceMs > MINUTE_MS) this.calls.set(group, { sinceMs: nowMs, count: 1 });
    else known.count++;
  }

  async take(group: string, share: number): Promise<boolean> {
    const known = this.calls.get(group);
    const isRecent = known !== undefined && this.nowMs() - known.sinceMs <= MINUTE_MS;
    const calls = isRecent ? known.count : 0;
    this.calls.delete(group);
    return (
      (await this.script(`{sluice:${group}}:hedges`, share, FREE_HEDGES_PER_MINUTE, calls, this.clock?.() ?? '')) === 1
    );
  }

  private nowMs(): number {
    return this.clock?.() ?? performance.now();
  }
}
