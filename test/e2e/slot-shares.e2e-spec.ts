import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { withSluice } from '../support/with-sluice.js';

const SLOTS = 8;
const env = { SLUICE_WORKER_CONCURRENCY: String(SLOTS) };

describe('the slots of a worker', () => {
  it('are not all with a slow deployment: a quick one beside it serves on', async () => {
    const scripts = {
      slow: { latency: { p50: 6_000, p95: 6_001, p99: 6_002 } },
      quick: { latency: { p50: 10, p95: 11, p99: 12 } },
    };
    await withSluice([{ profile: 'slow' }, { profile: 'quick' }], { scripts, env }, async ({ call, callsTo }) => {
      const calls = Array.from({ length: 60 }, () => call({}));
      await eventually(() => callsTo('quick').length >= 40, { withinMs: 5_500, what: 'most to be served' });
      expect(callsTo('slow').length).toBeLessThan(SLOTS); // of the first round: none has ended yet
      const responses = await Promise.all(calls);
      expect(responses.map(({ status }) => status)).toEqual(calls.map(() => 200));
    });
  });

  it('are for a deployment whose others are out, but for two at most that these may need again', async () => {
    const scripts = {
      only: { latency: { p50: 400, p95: 401, p99: 402 } },
      dead: { rules: [{ do: { kind: 'auth' } }] },
    };
    await withSluice([{ profile: 'only' }, { profile: 'dead' }], { scripts, env }, async ({ call, simulator }) => {
      await Promise.all([0, 1, 2, 3].map(() => call({}))); // the dead one is found out
      const calls = Array.from({ length: 30 }, () => call({}));
      await eventually(() => simulator.stats().inFlight >= SLOTS - 2, { withinMs: 3_000, what: 'nearly all slots' });
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 200));
    });
  });
});

describe('a group whose provider is dead', () => {
  it.each([
    ['answers 503 for ever', { rules: [{ do: { kind: 'server' } }] }],
    ['never answers', { rules: [{ do: { delayHeadersMs: 600_000 } }] }],
  ])('and %s slows no other group', async (_, dead) => {
    const scripts = { dead, quick: { latency: { p50: 10, p95: 11, p99: 12 } } };
    const yaml = 'router_settings: {num_retries: 1}';
    const deployments = [{ profile: 'quick' }, { profile: 'dead', group: 'dead' }];
    await withSluice(deployments, { scripts, env, yaml }, async ({ call, group }) => {
      const crowd = Array.from({ length: 100 }, () =>
        call({ model: `${group}-dead` }, { 'x-sluice-deadline': '6' }).catch(() => undefined),
      );
      const tookMs: number[] = [];
      for (let i = 0; i < 40; i++) {
        const startedMs = performance.now();
        expect((await call({})).status).toBe(200);
        tookMs.push(performance.now() - startedMs);
      }
      expect(tookMs.toSorted((a, b) => a - b)[36]).toBeLessThan(500); // p90 of what takes 10 ms alone
      const codes = await Promise.all(crowd.map(async (response) => (await response)?.status));
      expect(codes.every((status) => status !== undefined && status >= 429)).toBe(true);
    });
  });
});
