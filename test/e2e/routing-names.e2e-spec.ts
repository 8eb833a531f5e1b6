import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const GROUPS: PlayedDeployment[] = [
  { profile: 'one' },
  { profile: 'two' },
  { profile: 'exact', group: 'x/gpt-4o', model: 'openai/own-gpt' },
  { profile: 'any', group: 'x/*', model: 'openai/*' },
  { profile: 'gpts', group: 'x/gpt-*', model: 'openai/gpt-*' },
];
const ALIASES =
  'router_settings: {model_group_alias: {GROUP-smart: GROUP, GROUP-secret: {model: GROUP, hidden: true}}}';

/** Which deployment answers to a name, and the model that its provider was asked for. */
async function served({ call, group, callsTo }: PlayedSluice, name: string): Promise<string> {
  const response = await call({ model: `${group}${name}` });
  await response.text();
  if (response.status !== 200) return String(response.status);
  const profile = response.headers.get('x-litellm-model-id')!.slice(group.length + 1);
  return `${profile} ${(callsTo(profile).at(-1)!.body as { model: string }).model}`;
}

describe('a name over HTTP', () => {
  it('is exact before it is a pattern, and of patterns the longest; stars are filled (L11, L12, L13)', async () => {
    await withSluice(GROUPS, {}, async (sluice) => {
      expect(await served(sluice, '-x/gpt-4o')).toBe('exact own-gpt');
      expect(await served(sluice, '-x/gpt-4o-mini')).toBe('gpts gpt-4o-mini');
      expect(await served(sluice, '-x/o3/high')).toBe('any o3/high');
      expect(await served(sluice, '-y')).toBe('404'); // L18
    });
  });

  it('is a deployment’s id, which then serves alone, or an alias (L14, L16)', async () => {
    await withSluice(GROUPS, { yaml: ALIASES }, async (sluice) => {
      for (let i = 0; i < 6; i++) expect(await served(sluice, '-two')).toBe('two gpt-4o');
      expect(await served(sluice, '-smart')).toMatch(/^(?:one|two) gpt-4o$/);
      expect(await served(sluice, '-secret')).toMatch(/^(?:one|two) gpt-4o$/);
    });
  });

  it('that is nothing else is served by the group * (L15)', async () => {
    const star = `  - {model_name: "*", litellm_params: {model: "openai/*", api_base: "http://127.0.0.1:1/v1", api_key: k}, model_info: {id: GROUP-star}}
router_settings: {num_retries: 0}`;
    await withSluice([{ profile: 'one' }], { yaml: star }, async ({ call }) => {
      const response = await call({ model: 'whatever' });
      expect(response.headers.get('x-litellm-model-group')).toBe('*');
      expect(response.status).toBe(502); // nobody listens there; but who was asked is told
      await response.text();
    });
  });
});
