import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { takeHedge, type HedgeBudgetState } from '@sluice/core';
import { HedgeBudget, openRedis } from '@sluice/state';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { eventually } from '../eventually.js';
import { readSse } from '../support/read-sse.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const PAIR: PlayedDeployment[] = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];
/** Ten seconds are too long for a test. */
const SOON = 'sluice: {hedge_after: 0.3}';
const TEXT = 'the one that was quick says this.';
const SILENT = { rules: [{ do: { stallAfter: 0 } }] };
const QUICK = { answer: { text: TEXT } };

describe('a slow first token', () => {
  it.each([true, false])(
    'is rescued by another deployment, and the slow call is closed (stream: %s)',
    async (stream) => {
      const scripts = { first: { rules: [{ do: { hang: true } }] }, second: QUICK };
      await withSluice(PAIR, { yaml: SOON, scripts }, async ({ call, callsTo, group }) => {
        const startedMs = performance.now();
        const response = await call({ stream });
        expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-second`);
        const text = stream ? (await readSse(response)).text : await textOf(response);
        const tookMs = performance.now() - startedMs;
        expect(text).toBe(TEXT);
        expect(tookMs).toBeGreaterThan(290);
        expect(tookMs).toBeLessThan(10_000);
        await eventually(() => callsTo('first')[0]!.outcome === 'client_closed', { withinMs: 500, what: 'the close' });
        const [slow, quick] = [callsTo('first')[0]!, callsTo('second')[0]!];
        // The aim is 100 ms; all runs in one process here, and beside other tests 202 ms were seen.
        expect(slow.atMs + slow.endMs! - (quick.atMs + quick.firstChunkMs!)).toBeLessThan(400);
        expect([callsTo('first').length, callsTo('second').length]).toEqual([1, 1]);
      });
    },
  );

  it('that comes first after all wins: the second is closed', async () => {
    const slow = { latency: { p50: 600 }, answer: { text: 'slow, but first.' } };
    const scripts = { first: slow, second: { rules: [{ do: { hang: true } }] } };
    await withSluice(PAIR, { yaml: SOON, scripts }, async ({ call, callsTo, group }) => {
      const response = await call({ stream: true });
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-first`);
      expect((await readSse(response)).text).toBe('slow, but first.');
      await eventually(() => callsTo('second')[0]!.outcome === 'client_closed', { withinMs: 500, what: 'the close' });
    });
  });

  it.each([true, false])('an error of the second never wins (stream: %s)', async (stream) => {
    const slow = { latency: { p50: 700 }, answer: { text: TEXT } };
    const scripts = { first: slow, second: { rules: [{ do: { status: 500 } }] } };
    await withSluice(PAIR, { yaml: SOON, scripts }, async ({ call, callsTo }) => {
      const response = await call({ stream });
      expect(stream ? (await readSse(response)).text : await textOf(response)).toBe(TEXT);
      expect(callsTo('second')).toHaveLength(1);
    });
  });

  it('when both fail the call goes on as after any failure', async () => {
    const scripts = {
      first: { rules: [{ times: 1, do: { delayHeadersMs: 500, status: 500 } }], answer: { text: TEXT } },
      second: { rules: [{ times: 1, do: { status: 503 } }], answer: { text: TEXT } },
    };
    await withSluice(PAIR, { yaml: SOON, scripts }, async ({ call }) => {
      expect(await readSse(await call({ stream: true }))).toMatchObject({ text: TEXT, error: undefined });
    });
  });

  it('a fallback group rescues too, and its name stands in all chunks', async () => {
    const deployments = [{ profile: 'first' }, { profile: 'other', group: 'other' }];
    const yaml = `router_settings: {fallbacks: [{GROUP: [GROUP-other]}]}\n${SOON}`;
    await withSluice(deployments, { yaml, scripts: { first: SILENT, other: QUICK } }, async ({ call, group }) => {
      const seen = await readSse(await call({ stream: true }));
      expect(seen).toMatchObject({ text: TEXT, isDone: true, roles: 1 });
      expect(new Set(seen.chunks.map(({ model }) => model))).toEqual(new Set([`${group}-other`]));
      expect(seen.headers.get('x-litellm-attempted-fallbacks')).toBe('1');
    });
  });

  it('is waited for where there is nobody else, where hedging is off, and where the last place would be taken', async () => {
    const slow = { latency: { p50: 700 }, answer: { text: TEXT } };
    const cases: [PlayedDeployment[], string][] = [
      [[PAIR[0]!], SOON],
      [PAIR, 'sluice: {hedge_after: 0.3, hedge: off}'],
      [PAIR, 'sluice: {hedge_after: 0.3, groups: {GROUP: {hedge: off}}}'],
      [[PAIR[0]!, { profile: 'second', params: 'order: 2, max_parallel_requests: 1' }], SOON],
    ];
    for (const [deployments, yaml] of cases) {
      await withSluice(
        deployments,
        { yaml, scripts: { first: slow, second: QUICK } },
        async ({ call, callsTo, group }) => {
          const response = await call({ stream: true });
          expect((await readSse(response)).text).toBe(TEXT);
          expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-first`);
          expect(callsTo('second')).toHaveLength(0);
        },
      );
    }
  });

  it('is hedged eagerly after the p95, once twenty calls have shown it', async () => {
    const yaml = 'sluice: {hedge: eager, hedge_after: 30}';
    await withSluice(PAIR, { yaml, scripts: { first: QUICK, second: QUICK } }, async ({ call, callsTo, play }) => {
      for (let i = 0; i < 20; i++) await readSse(await call({ stream: true }));
      play({ first: SILENT });
      expect((await readSse(await call({ stream: true }))).text).toBe(TEXT);
      expect(callsTo('second')).toHaveLength(1);
    });
  });

  it('costs three hedges a minute and a share of the calls, not more', async () => {
    const slow = { latency: { p50: 500 }, answer: { text: TEXT } };
    const yaml = 'sluice: {hedge_after: 0.1, hedge_budget: 0}';
    await withSluice(PAIR, { yaml, scripts: { first: slow, second: QUICK } }, async ({ call, callsTo }) => {
      const texts = await Promise.all(
        Array.from({ length: 8 }, async () => (await readSse(await call({ stream: true }))).text),
      );
      expect(texts).toEqual(Array(8).fill(TEXT));
      expect(callsTo('second').length).toBeLessThanOrEqual(6); // two minutes of the clock at the most
      expect(callsTo('second').length).toBeGreaterThanOrEqual(3);
    });
  });

  it('rescues the deployment that goes on with a broken stream as well', async () => {
    const scripts = {
      first: { answer: { text: TEXT }, rules: [{ do: { cutAfter: 4 } }] },
      second: { rules: [{ do: { hang: true } }] },
      third: { answer: { text: TEXT } },
    };
    const three = [...PAIR, { profile: 'third', params: 'order: 3' }];
    await withSluice(three, { yaml: SOON, scripts }, async ({ call, callsTo }) => {
      expect(await readSse(await call({ stream: true }))).toMatchObject({ text: TEXT, isDone: true, roles: 1 });
      expect(callsTo('third')).toHaveLength(1);
    });
  });
});

describe('the hedge script and its twin in core', () => {
  let redis: Redis;
  beforeAll(() => {
    redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
  });
  afterAll(() => redis.quit());

  it('decide alike in 100 histories', async () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 50_000 }), calls: fc.nat(40), asks: fc.nat(4) });
    const history = fc.array(step, { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 0.05, 0.3), history, async (share, steps) => {
        const group = randomUUID();
        let nowMs = 1_800_000_000_000;
        const budget = new HedgeBudget(redis, () => nowMs);
        let twin: HedgeBudgetState | undefined;
        for (const { afterMs, calls, asks } of steps) {
          nowMs += afterMs;
          for (let i = 0; i < asks; i++) {
            if (i === 0) for (let j = 0; j < calls; j++) budget.countCall(group);
            const decided = takeHedge(twin, { share, calls: i === 0 ? calls : 0 }, nowMs);
            twin = decided.state;
            expect(await budget.take(group, share)).toBe(decided.mayGo);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

const textOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;
