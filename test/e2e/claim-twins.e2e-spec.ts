import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimKey, settleClaim, type Claims } from '@sluice/core';
import { KeyClaims, openRedis } from '@sluice/state';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { withSteppedClock, type SteppedRedis } from '../support/stepped-redis.js';

const RUNS = Math.min(Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 100), 5_000);
const START_MS = 1_800_000_000_000;
/** Redis' own clock ends what has a time to live: longer than a history takes. */
const KEPT_MS = 86_400_000;

const step = fc.record({
  do: fc.constantFrom('claim', 'claim', 'claim', 'settle'),
  key: fc.constantFrom('a', 'b'),
  body: fc.constantFrom('one', 'one', 'one', 'two'),
  busyMs: fc.constantFrom(undefined, undefined, 1_000),
  /** Counts back through the ids given out. */
  back: fc.nat({ max: 4 }),
  how: fc.constantFrom('done' as const, 'refused' as const, 'unknown' as const),
  replaces: fc.boolean(),
  waitMs: fc.constantFrom(0, 1, 700, 1_500),
});

describe('the claim scripts and their twin in core', () => {
  let redis: Redis;
  let stepped: SteppedRedis;
  beforeAll(() => {
    redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
    stepped = withSteppedClock(redis, `claims:${randomUUID()}:clock`);
  });
  afterAll(() => redis.quit());

  it(`decide alike in ${RUNS} histories of 40 steps`, async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 40 }), async (steps) => {
        const claims = new KeyClaims(redis);
        const twin: Claims = new Map();
        const history = randomUUID();
        const ids: string[] = [];
        let nowMs = START_MS;
        for (const { do: what, key, body, busyMs, back, how, replaces, waitMs } of steps) {
          nowMs += waitMs;
          stepped.setUs(nowMs * 1_000);
          const scope = `${history}-${key}`;
          const id = ids.at(-1 - back) ?? 'none';
          if (what === 'settle') {
            settleClaim(twin, scope, { id, how }, nowMs);
            await claims.settle(scope, id, how);
            continue;
          }
          ids.push(`id${ids.length}`);
          const ask = { fingerprint: body, id: ids.at(-1)!, group: `g${body}`, keptMs: KEPT_MS };
          const more = { ...(busyMs === undefined ? {} : { busyMs }), ...(replaces ? { insteadOf: id } : {}) };
          const fromTwin = claimKey(twin, scope, { ...ask, ...more }, nowMs);
          expect(await claims.claim(scope, { ...ask, ...more })).toEqual(fromTwin);
          seen.add(fromTwin.kind);
        }
      }),
      { numRuns: RUNS },
    );
    expect([...seen].toSorted()).toEqual(['busy', 'mine', 'reused', 'theirs']);
  }, 60_000);
});
