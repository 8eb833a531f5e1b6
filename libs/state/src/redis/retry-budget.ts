import { RETRIES_AT_ONCE, RETRIES_PER_SECOND, type RetryTurn } from '@sluice/core';
import type { Redis } from 'ioredis';
import askRetryTurn from './scripts/ask-retry-turn.lua';

const SECONDS_KEPT = 10;

/**
 * The cluster's budget of retries, by group. First calls are counted in this process and told with its next retry, so that
 * a call without one costs nothing; what is older than ten seconds is not told any more.
 */
export class RetryBudget {
  private readonly script: (...args: (string | number)[]) => Promise<[1] | [0, number, number]>;
  private readonly firstCalls = new Map<string, { second: number; counts: number[] }>();

  /** @param clock For tests: Unix ms instead of the Redis server's time. */
  constructor(
    redis: Redis,
    private readonly clock?: () => number,
  ) {
    redis.defineCommand('sluiceAskRetryTurn', { lua: askRetryTurn, numberOfKeys: 1 });
    const scripts = redis as unknown as { sluiceAskRetryTurn: RetryBudget['script'] };
    this.script = (...args) => scripts.sluiceAskRetryTurn(...args);
  }

  countFirstCall(group: string): void {
    const counts = this.countsOf(group);
    counts[0] = counts[0]! + 1;
  }

  /** @param ticket of an earlier answer; 0: none */
  async ask(group: string, share: number, ticket: number): Promise<RetryTurn> {
    const counts = this.countsOf(group);
    const calls = counts.reduce((sum, count) => sum + count, 0);
    counts.fill(0);
    const now = this.clock?.() ?? '';
    const key = `{sluice:${group}}:retries`;
    const reply = await this.script(key, share, RETRIES_PER_SECOND, RETRIES_AT_ONCE, calls, ticket, now);
    return reply[0] === 1 ? { mayGo: true } : { mayGo: false, ticket: reply[1], waitMs: reply[2] };
  }

  /** Of the last seconds, this one first. */
  private countsOf(group: string): number[] {
    const second = Math.floor((this.clock?.() ?? performance.now()) / 1_000);
    let known = this.firstCalls.get(group);
    if (known === undefined) {
      known = { second, counts: Array<number>(SECONDS_KEPT).fill(0) };
      this.firstCalls.set(group, known);
    }
    const { counts } = known;
    for (let gone = Math.min(second - known.second, SECONDS_KEPT); gone > 0; gone--) {
      counts.pop();
      counts.unshift(0);
    }
    known.second = second;
    return counts;
  }
}
