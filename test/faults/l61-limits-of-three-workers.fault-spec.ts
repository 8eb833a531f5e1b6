import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { callOnce, Cluster } from '../support/cluster.js';
import { sizeOf } from '../support/full-size.js';
import { mostIn } from '../support/most-in.js';

const RPM = sizeOf(300, 6_000);
const JOBS = sizeOf(320, 10_000);
const TOKENS_EACH = 100;
const MINUTE_MS = 60_000;

describe(`${JOBS} calls for a deployment with ${RPM} requests and ${RPM * TOKENS_EACH} tokens a minute, by three workers (L61)`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    const params = `rpm: ${RPM}, tpm: ${RPM * TOKENS_EACH}`;
    // Not one attempt may be lost by waiting; connect: the provider shares this process with thousands of callers.
    cluster = await new Cluster().start(
      [{ profile: 'only', params }],
      'router_settings: {num_retries: 0, connect_timeout: 60}',
    );
  });
  afterAll(() => cluster?.stop());

  it(
    'use 97 to 100 % of it, never more in any minute, and no attempt for waiting',
    async () => {
      const { simulator } = cluster;
      // A provider that holds to the same limits itself, with a minute that slides: it would answer 429.
      simulator.setProfile('only', {
        limits: { rpm: RPM, tpm: RPM * TOKENS_EACH, window: 'sliding' },
        answer: { tokens: 30 },
      });
      const apis = await Promise.all([cluster.api(), cluster.api()]);
      await Promise.all([cluster.worker(), cluster.worker(), cluster.worker()]);
      const startedAt = Date.now();
      const outcomes = await Promise.all(
        Array.from({ length: JOBS }, (_, i) =>
          callOnce(apis[i % 2]!.origin, `l${i}`, { body: { max_tokens: 60 }, headers: { prefer: 'wait=290' } }),
        ),
      );
      const calls = simulator.requests();
      const times = calls.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
      const firstMinute = times.filter((at) => at < times[0]! + MINUTE_MS).length;
      const inAll = times.at(-1)! - times[0]!;
      const figures = { most: mostIn(MINUTE_MS, times), firstMinute, calls: calls.length, inAllMs: inAll };
      process.stderr.write(`L61 ${JSON.stringify({ ...figures, tookMs: Date.now() - startedAt })}\n`);
      expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([]);
      expect(calls).toHaveLength(JOBS); // no 429, no second attempt
      expect(figures.most).toBeLessThanOrEqual(RPM);
      expect(firstMinute).toBeGreaterThanOrEqual(0.97 * Math.min(RPM, JOBS));
    },
    4 * MINUTE_MS,
  );
});
