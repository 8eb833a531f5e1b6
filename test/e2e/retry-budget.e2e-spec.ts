import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

describe('an outage that makes every call fail once', () => {
  const PAIR: PlayedDeployment[] = [
    { profile: 'down', params: 'order: 1' },
    { profile: 'up', params: 'order: 2' },
  ];
  const CALLS = 38;

  it.each([
    ['0', 2_400],
    ['0.2', 0],
  ])('is not answered by twice the load: a share of %s; the call waits and does not fail', async (share, leastMs) => {
    const yaml = `router_settings: {disable_cooldowns: true}\nsluice: {retry_budget: ${share}}`;
    const scripts = { down: { rules: [{ do: { kind: 'server' } }] } };
    await withSluice(PAIR, { yaml, scripts, workers: 2 }, async ({ call, callsTo }) => {
      const responses = await Promise.all(Array.from({ length: CALLS }, () => call({})));
      expect(responses.map((r) => r.status)).toEqual(Array.from({ length: CALLS }, () => 200));
      const retries = callsTo('up').map(({ atMs }) => atMs);
      expect(retries).toHaveLength(CALLS);
      expect(callsTo('down')).toHaveLength(CALLS);
      expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThanOrEqual(leastMs);
      for (const from of retries) {
        const inSecond = retries.filter((at) => at >= from && at < from + 1_000).length;
        expect(inSecond).toBeLessThanOrEqual(30 + 3 + Number(share) * CALLS + 1);
      }
    });
  });
});
