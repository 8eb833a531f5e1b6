import { describe, expect, it } from '@jest/globals';
import { MASTER_KEY, type PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const GROUPS: PlayedDeployment[] = [
  { profile: 'usual' },
  { profile: 'sees', group: 'sees' },
  { profile: 'tools', group: 'tools' },
  { profile: 'any', group: 'any-*', model: 'openai/*' },
  { profile: 'spare', group: 'spare' },
];
const ROUTER = `  - model_name: GROUP-auto
    litellm_params:
      model: sluice/router
      rules:
        - {when: {has_images: true}, use: GROUP-sees}
        - {when: {has_tools: true}, use: GROUP-tools}
        - {when: {matches: "(?i)translate"}, use: GROUP-any-gpt-4o-mini}
        - {when: {tag: vip}, use: GROUP-spare}
      default: GROUP
router_settings: {num_retries: 0, fallbacks: [{GROUP-sees: [GROUP-spare]}], model_group_alias: {GROUP-smart: GROUP-auto}}`;
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
const IMAGE = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
const TOOLS = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];

async function ask(
  { call, group }: PlayedSluice,
  body: Record<string, unknown>,
  model = 'auto',
): Promise<{ by: string; says: string; group: string }> {
  const response = await call({ model: `${group}-${model}`, ...body });
  const { model: says } = (await response.json()) as { model: string };
  const header = (name: string): string => response.headers.get(name)!.slice(group.length);
  return { by: header('x-litellm-model-id'), says: says?.slice(group.length), group: header('x-litellm-model-group') };
}

describe('a router (L60)', () => {
  it('sends each call where its first rule that holds says, and answers as what was asked', async () => {
    await withSluice(GROUPS, { yaml: ROUTER }, async (sluice) => {
      const told = async (body: Record<string, unknown>): Promise<string> => (await ask(sluice, body)).by;
      expect(await told(user('Hello'))).toBe('-usual');
      expect(await told(user([{ type: 'text', text: 'Translate this' }, IMAGE]))).toBe('-sees');
      expect(await told({ tools: TOOLS })).toBe('-tools');
      expect(await told({ ...user('Hello'), tags: ['vip'] })).toBe('-spare');
      expect(await ask(sluice, user('Please translate this'))).toEqual({ by: '-any', says: '-auto', group: '-any-*' });
      expect(sluice.callsTo('any').map(({ body }) => (body as { model: string }).model)).toEqual(['gpt-4o-mini']);
    });
  });

  it('is called by an alias, as a stream, and falls back as the group that it chose', async () => {
    const scripts = { sees: { rules: [{ do: { kind: 'server' } }] } };
    await withSluice(GROUPS, { yaml: ROUTER, scripts }, async (sluice) => {
      expect((await ask(sluice, user('Hello'), 'smart')).by).toBe('-usual');
      expect((await ask(sluice, user([IMAGE]))).by).toBe('-spare');
      const stream = await sluice.call({ model: `${sluice.group}-auto`, stream: true, tools: TOOLS });
      expect(await stream.text()).toContain(`"model":"${sluice.group}-auto"`);
      expect(stream.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-tools`);
    });
  });

  it('stands in the list of models, and is no fallback', async () => {
    await withSluice(GROUPS, { yaml: ROUTER }, async ({ url, call, group }) => {
      const headers = { authorization: `Bearer ${MASTER_KEY}` };
      const { data } = (await (await fetch(`${url}/v1/models`, { headers })).json()) as { data: { id: string }[] };
      const ids = data.map(({ id }) => id);
      expect(ids).toContain(`${group}-auto`);
      expect(ids).toContain(`${group}-any-gpt-4o-mini`); // what the pattern stands for, by the model map
      expect(ids).not.toContain(`${group}-any-*`);
      expect((await call({ fallbacks: [`${group}-auto`] })).status).toBe(400);
    });
  });
});
