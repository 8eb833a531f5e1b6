import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

/** A call of some 20 tokens costs some 20 dollars. */
const DEAR = 'input_cost_per_token: 1, output_cost_per_token: 1';
const REJECT = { 'x-sluice-when-full': 'reject' };
const idOf = (response: Response): string | null => response.headers.get('x-litellm-model-id');

describe('a budget', () => {
  const pair: PlayedDeployment[] = [
    { profile: 'openai', params: `order: 1, ${DEAR}` },
    { profile: 'azure', model: 'azure/gpt-4o', params: `order: 2, ${DEAR}` },
  ];
  const budget = (limit: number, period: string): string =>
    `router_settings: {provider_budget_config: {openai: {budget_limit: ${limit}, time_period: ${period}}}}`;

  it('L59 of a provider takes its deployments out once it is spent, in all groups and workers, and brings them back', async () => {
    const three = [...pair, { profile: 'openai-2', group: 'other', params: DEAR } satisfies PlayedDeployment];
    await withSluice(three, { yaml: budget(1, '6s'), workers: 2 }, async ({ call, group }) => {
      // Spent through one group, by one worker: it holds for the other group, and for both workers.
      await eventually(async () => idOf(await call({ model: `${group}-other` })) !== null, {
        withinMs: 8_000,
        what: 'a call of the other group to be served',
      });
      await eventually(async () => idOf(await call({})) === `${group}-azure`, {
        withinMs: 4_000,
        what: 'the provider to be out',
      });
      let refused: Response | undefined;
      await eventually(async () => (refused = await call({ model: `${group}-other` }, REJECT)).status === 429, {
        withinMs: 4_000,
        what: 'the other worker to know',
      });
      expect(Number(refused!.headers.get('retry-after'))).toBeLessThanOrEqual(6);
      await eventually(async () => idOf(await call({})) === `${group}-openai`, {
        withinMs: 10_000,
        what: 'the budget to be reset',
      });
    });
  });

  it('of a deployment is its own, and counts streams', async () => {
    const own: PlayedDeployment[] = [
      { profile: 'a', params: `order: 1, ${DEAR}, max_budget: 50, budget_duration: 1d` },
      { profile: 'b', params: `order: 2, ${DEAR}` },
    ];
    await withSluice(own, {}, async ({ call, callsTo, group }) => {
      await eventually(
        async () => {
          const response = await call({ stream: true });
          await response.text();
          return idOf(response) === `${group}-b`;
        },
        { withinMs: 10_000, what: 'the budget to be spent' },
      );
      expect(callsTo('a').length).toBeGreaterThan(1);
    });
  });

  it('that is spent is waited for within the time of the caller, then it is a 429', async () => {
    await withSluice(pair.slice(0, 1), { yaml: budget(1, '5s') }, async ({ call }) => {
      await eventually(async () => (await call({}, REJECT)).status === 429, {
        withinMs: 8_000,
        what: 'it to be spent',
      });
      expect((await call({})).status).toBe(200); // after the reset
    });
  });

  it('is not touched by calls that cost nothing: failures without usage', async () => {
    const scripts = { openai: { rules: [{ times: 6, do: { kind: 'server' } }] } };
    await withSluice(pair, { yaml: budget(1, '1d'), scripts }, async ({ call, group }) => {
      expect(idOf(await call({}))).toBe(`${group}-azure`);
      expect(idOf(await call({}))).toBe(`${group}-azure`);
    });
  });
});
