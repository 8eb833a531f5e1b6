import { describe, expect, it } from '@jest/globals';
import { withSluice } from '../support/with-sluice.js';

const CLAUDE = 'anthropic/claude-sonnet-4-5';

describe('a parameter that only some deployments support', () => {
  it('goes to one that does', () =>
    withSluice(
      [
        { profile: 'claude', model: CLAUDE },
        { profile: 'gpt', params: 'order: 2' },
      ],
      {},
      async ({ call, group }) => {
        const response = await call({ seed: 7 });
        expect(response.status).toBe(200);
        expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-gpt`);
      },
    ));

  it('is a 400 that names it when none does, and no provider is asked', () =>
    withSluice([{ profile: 'claude', model: CLAUDE }], {}, async ({ call, simulator }) => {
      const response = await call({ seed: 7 });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param: 'seed' } });
      expect(simulator.requests()).toEqual([]);
    }));

  it('is left out with drop_params', () =>
    withSluice([{ profile: 'claude', model: CLAUDE, params: 'drop_params: true' }], {}, async ({ call }) => {
      expect((await call({ seed: 7 })).status).toBe(200);
    }));
});
