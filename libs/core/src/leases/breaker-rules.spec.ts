import { describe, expect, it } from '@jest/globals';
import { deployment, policy } from '../dispatch/test-routing.js';
import { breakerRulesOf } from './breaker-rules.js';

type Own = Partial<Parameters<typeof breakerRulesOf>[0]>;

describe('allowed_fails and its policy', () => {
  // L32
  it.each<[string, Own, Own, Parameters<typeof breakerRulesOf>[2], number | undefined, string | undefined]>([
    ['nothing set', {}, {}, 'server', undefined, undefined],
    ['the router’s number', {}, { allowedFails: 7 }, 'timeout', 7, undefined],
    ['the router’s class', {}, { allowedFails: 7, allowedFailsPolicy: { timeout: 1 } }, 'timeout', 1, 'timeout'],
    ['another class', {}, { allowedFails: 7, allowedFailsPolicy: { timeout: 1 } }, 'server', 7, undefined],
    ['a broken stream is the server’s', {}, { allowedFailsPolicy: { server: 9 } }, 'stream_broken', 9, 'server'],
    ['so is overload', {}, { allowedFailsPolicy: { server: 9 } }, 'overloaded', 9, 'server'],
    ['a 429 is in no class', {}, { allowedFailsPolicy: { server: 9, timeout: 9 } }, 'rate_limit', undefined, undefined],
    ['0 is a number', {}, { allowedFailsPolicy: { server: 0 } }, 'network', 0, 'server'],
    [
      'the deployment’s number first',
      { allowedFails: 2 },
      { allowedFailsPolicy: { server: 9 } },
      'server',
      2,
      undefined,
    ],
    ['and its class before it', { allowedFails: 2, allowedFailsPolicy: { server: 4 } }, {}, 'server', 4, 'server'],
    ['no failure', {}, { allowedFails: 7, allowedFailsPolicy: { server: 9 } }, undefined, 7, undefined],
  ])('%s', (_what, own, routers, kind, allowedFails, countsAs) => {
    const rules = breakerRulesOf(deployment('d', own), policy(routers), kind);
    expect([rules.allowedFails, rules.countsAs]).toEqual([allowedFails, countsAs]);
  });

  it('a deployment’s cooldown_time beats the router’s', () => {
    const rules = breakerRulesOf(deployment('d', { cooldownMs: 0 }), policy({ cooldownMs: 60_000 }));
    expect(rules).toMatchObject({ cooldownMs: 0, disableCooldowns: false });
  });
});
