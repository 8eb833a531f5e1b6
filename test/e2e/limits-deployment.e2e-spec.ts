import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const REJECT = { 'x-sluice-when-full': 'reject' };
const countOf = (values: readonly unknown[], value: unknown): number => values.filter((v) => v === value).length;

describe('limits of a deployment', () => {
  it('rpm is hard over three workers: what is above goes elsewhere (L61)', async () => {
    const pair: PlayedDeployment[] = [
      { profile: 'limited', params: 'order: 1, rpm: 10' },
      { profile: 'spare', params: 'order: 2' },
    ];
    await withSluice(pair, { workers: 3 }, async ({ call, callsTo }) => {
      const responses = await Promise.all(Array.from({ length: 40 }, () => call({})));
      expect(responses.every((r) => r.status === 200)).toBe(true);
      expect([callsTo('limited').length, callsTo('spare').length]).toEqual([10, 30]);
      expect(responses.every((r) => r.headers.get('x-litellm-attempted-retries') === '0')).toBe(true);
    });
  });

  it('tpm is hard (L61): an estimate above what is left goes elsewhere, and what was not used is given back', async () => {
    const pair: PlayedDeployment[] = [
      { profile: 'limited', params: 'order: 1, tpm: 1000' },
      { profile: 'spare', params: 'order: 2' },
    ];
    await withSluice(
      pair,
      { scripts: { limited: { answer: { tokens: 10 }, latency: { p50: 250 } } } },
      async ({ call, callsTo }) => {
        for (let i = 0; i < 4; i++) await call({ max_tokens: 700 }); // each reserves over 700, and uses some 20
        expect([callsTo('limited').length, callsTo('spare').length]).toEqual([4, 0]);
        await Promise.all([call({ max_tokens: 700 }), call({ max_tokens: 700 })]);
        expect([callsTo('limited').length, callsTo('spare').length]).toEqual([5, 1]);
      },
    );
  });

  it('what a call did not use starts the next at once, not when the minute is over', async () => {
    const lone: PlayedDeployment[] = [{ profile: 'only', params: 'tpm: 2000' }];
    const scripts = { only: { answer: { tokens: 20 }, latency: { p50: 100 } } };
    await withSluice(lone, { workers: 2, scripts }, async ({ call, callsTo }) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => call({ max_tokens: 400 }))); // four at a time
      expect(responses.every((r) => r.status === 200)).toBe(true);
      const times = callsTo('only').map(({ atMs }) => atMs);
      expect(times.at(-1)! - times[0]!).toBeLessThan(30_000);
    });
  });

  it('tokens reserved for a refused call are given back', async () => {
    const lone: PlayedDeployment[] = [{ profile: 'only', params: 'tpm: 1000' }];
    const scripts = { only: { rules: [{ times: 2, do: { kind: 'server' } }] } };
    await withSluice(lone, { scripts }, async ({ call, callsTo }) => {
      expect((await call({ max_tokens: 700 })).status).toBe(200);
      expect(callsTo('only')).toHaveLength(3);
    });
  });

  it('tokens of a stream without usage are counted by its text', async () => {
    const pair: PlayedDeployment[] = [
      { profile: 'limited', params: 'order: 1, tpm: 1000' },
      { profile: 'spare', params: 'order: 2' },
    ];
    const scripts = { limited: { rules: [{ do: { noUsage: true } }], answer: { tokens: 600 } } };
    await withSluice(pair, { scripts }, async ({ call, callsTo }) => {
      for (let i = 0; i < 2; i++) await (await call({ stream: true, max_tokens: 650 })).text();
      expect([callsTo('limited').length, callsTo('spare').length]).toEqual([1, 1]);
    });
  });

  it.each([true, false])('max_parallel_requests is held to the end of an answer (L62); stream: %s', async (stream) => {
    const lone: PlayedDeployment[] = [{ profile: 'only', params: 'max_parallel_requests: 2' }];
    const slow = { tokensPerSecond: 40, answer: { tokens: 20 } };
    await withSluice(lone, { workers: 2, scripts: { only: slow } }, async ({ call, simulator, inFlight }) => {
      const read = async (): Promise<number> => {
        const response = await call({ stream });
        await response.text();
        return response.status;
      };
      const first = [read(), read()];
      await eventually(async () => (await inFlight()) === 2, { withinMs: 2_000, what: 'both slots to be taken' });
      const refused = await call({}, REJECT); // begun, and streaming: still two
      expect(refused.status).toBe(429);
      const later = [read(), read(), read()];
      expect(await Promise.all([...first, ...later])).toEqual([200, 200, 200, 200, 200]);
      expect(simulator.stats().maxInFlight).toBe(2);
    });
  });

  it('one full, one free: the free one serves, whatever the order', async () => {
    const pair: PlayedDeployment[] = [
      { profile: 'small', params: 'order: 1, max_parallel_requests: 1' },
      { profile: 'big', params: 'order: 2' },
    ];
    const slow = { latency: { p50: 300 } };
    await withSluice(pair, { scripts: { small: slow, big: slow } }, async ({ call, callsTo, simulator }) => {
      const responses = await Promise.all(Array.from({ length: 8 }, () => call({})));
      expect(responses.every((r) => r.status === 200)).toBe(true);
      expect([callsTo('small').length, callsTo('big').length]).toEqual([1, 7]);
      expect(simulator.stats().profiles['small']!.maxInFlight).toBe(1);
    });
  });

  it('x-sluice-when-full: reject is answered at once when all are full', async () => {
    const lone: PlayedDeployment[] = [{ profile: 'only', params: 'rpm: 3' }];
    await withSluice(lone, {}, async ({ call, callsTo }) => {
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await call({}, REJECT)).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect(callsTo('only')).toHaveLength(3);
      const { status, headers } = await call({}, { prefer: 'wait=3' }); // the minute is longer than its wait
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(50);
    });
  });
});

describe('the routing strategy', () => {
  const pair: PlayedDeployment[] = [{ profile: 'a' }, { profile: 'b' }];

  it('L50 least-busy counts what runs in all workers', async () => {
    const slow = { latency: { p50: 400 } };
    const yaml = 'router_settings: {routing_strategy: least-busy}';
    await withSluice(pair, { yaml, workers: 2, scripts: { a: slow, b: slow } }, async ({ call, simulator }) => {
      await Promise.all(Array.from({ length: 20 }, () => call({})));
      const { profiles } = simulator.stats();
      expect([profiles['a']!.maxInFlight, profiles['b']!.maxInFlight]).toEqual([10, 10]); // L50
    });
  });

  it('L48 simple-shuffle goes by weight', async () => {
    const weighted: PlayedDeployment[] = [
      { profile: 'a', params: 'weight: 9' },
      { profile: 'b', params: 'weight: 1' },
    ];
    await withSluice(weighted, {}, async ({ call, group }) => {
      const responses = await Promise.all(Array.from({ length: 200 }, () => call({})));
      const toA = countOf(
        responses.map((r) => r.headers.get('x-litellm-model-id')),
        `${group}-a`,
      ); // L48
      expect(toA).toBeGreaterThan(150); // 180 expected; a wrong weight is off by far more
      expect(toA).toBeLessThan(199);
    });
  });
});
