import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { retryTurn, type RetryBudgetState } from '@sluice/core';
import { openRedis, RetryBudget } from '@sluice/state';
import fc from 'fast-check';
import type { Redis } from 'ioredis';

const RUNS = Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 60);

const step = fc.record({
  waitMs: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(0, 0, 1, 333, 1_000) },
    { weight: 1, arbitrary: fc.constantFrom(12_000, 119_000) },
  ),
  worker: fc.constantFrom(0, 1),
  calls: fc.constantFrom(0, 0, 1, 7, 20),
  asks: fc.constantFrom(1, 1, 2, 6),
  /** Counts back through the tickets given out; absent: a new one is asked for. */
  again: fc.option(fc.nat({ max: 5 }), { nil: undefined, freq: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

describe('the retry script and its twin in core', () => {
  let redis: Redis;
  beforeAll(() => {
    redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
  });
  afterAll(() => redis.quit());

  it(
    `decide alike in ${RUNS} histories of 80 steps`,
    async () => {
      const seen = new Set<string>();
      const alike = async (share: number, steps: readonly Step[]): Promise<void> => {
        const group = randomUUID();
        let nowMs = 1_800_000_000_000;
        const workers = [0, 1].map(() => new RetryBudget(redis, () => nowMs));
        const tickets: number[] = [];
        let twin: RetryBudgetState | undefined;
        for (const { waitMs, worker, calls, asks, again } of steps) {
          nowMs += waitMs;
          for (let i = 0; i < calls; i++) workers[worker]!.countFirstCall(group);
          const ticket = again === undefined ? 0 : (tickets.at(-1 - again) ?? 0);
          for (let i = 0; i < asks; i++) {
            const fromScript = await workers[worker]!.ask(group, share, ticket);
            const fromTwin = retryTurn(twin, { share, calls: i === 0 ? calls : 0, ticket }, nowMs);
            twin = fromTwin.state;
            expect(fromScript).toEqual(fromTwin.turn);
            if (!fromScript.mayGo) tickets.push(fromScript.ticket);
            seen.add(`${ticket === 0 ? 'first' : 'again'} ${fromScript.mayGo}`);
          }
        }
      };
      const history = fc.array(step, { minLength: 80, maxLength: 80 });
      await fc.assert(fc.asyncProperty(fc.constantFrom(0, 0.2, 0.37), history, alike), { numRuns: RUNS });
      expect([...seen].toSorted()).toEqual(['again false', 'again true', 'first false', 'first true']);
    },
    60_000 + RUNS * 1_000,
  );

  it('hear of the first calls of the last ten seconds, once', async () => {
    let nowMs = 1_800_000_000_000;
    const group = randomUUID();
    const [calls, retries] = [new RetryBudget(redis, () => nowMs), new RetryBudget(redis, () => nowMs)];
    const goers = async (budget: RetryBudget): Promise<number> => {
      let gone = 0;
      while ((await budget.ask(group, 1, 0)).mayGo) gone++;
      return gone;
    };
    expect(await goers(retries)).toBe(30);
    for (let i = 0; i < 5; i++) calls.countFirstCall(group);
    nowMs += 9_000;
    for (let i = 0; i < 3; i++) calls.countFirstCall(group);
    nowMs += 1_000;
    const [byTime, byCalls] = [await goers(retries), await goers(calls)];
    expect([byTime, byCalls]).toEqual([29, 2]); // each found out by one that now waits: 30 in ten seconds, 3 for 3 calls
    expect(await goers(calls)).toBe(0);
  });
});
