import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { ExplainedModel } from '@sluice/core';
import { explainByFile, explainByServer } from '../../apps/cli/src/explain.js';
import { Server } from '../../apps/cli/src/remote/server.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY, type PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const THREE: PlayedDeployment[] = [
  { profile: 'paid', params: 'tags: [paid], order: 1' },
  { profile: 'free', params: 'tags: [free], order: 2' },
  { profile: 'small', model: 'openai/gpt-3.5-turbo', params: 'tags: [paid]' },
];
const TAG_FILTERING = 'router_settings: {enable_tag_filtering: true}';

async function get<T>({ url }: PlayedSluice, path: string, key = MASTER_KEY): Promise<{ status: number; body: T }> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: response.status, body: (await response.json()) as T };
}

const explain = (sluice: PlayedSluice, query: string): Promise<{ status: number; body: ExplainedModel }> =>
  get(sluice, `/v1/deployments/explain?model=${sluice.group}&${query}`);

function verdicts({ group, candidates }: ExplainedModel): Record<string, string> {
  return Object.fromEntries(
    candidates.map(({ deployment, verdict, reason }) => [deployment.slice(group.length + 1), reason ?? verdict]),
  );
}

describe('GET /v1/deployments/explain', () => {
  it('says who would serve a call and why not the others, and the call is served so', async () => {
    await withSluice(THREE, { yaml: TAG_FILTERING }, async (sluice) => {
      const { status, body } = await explain(sluice, 'tags=paid&input_tokens=50000');
      expect(status).toBe(200);
      expect(verdicts(body)).toEqual({ paid: 'chosen', free: 'tag', small: 'context_window' });
      expect(body).toMatchObject({ would: 'dispatch', wait_ms: null, router: null, strategy: 'simple-shuffle' });
      const served = await sluice.call({
        tags: ['paid'],
        messages: [{ role: 'user', content: 'word '.repeat(50_000) }],
      });
      expect(served.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-paid`);
      await served.text();
      expect(sluice.simulator.requests()).toHaveLength(1); // the dry run made no call
    });
  });

  it('tells of cooldowns what the whole cluster knows, and that a call would wait', async () => {
    const scripts = { a: { rules: [{ do: { kind: 'rate_limit', retryAfterMs: 30_000 } }] } };
    await withSluice([{ profile: 'a' }], { scripts }, async (sluice) => {
      expect((await sluice.call({}, { 'x-sluice-when-full': 'reject' })).status).toBe(429);
      await eventually(async () => verdicts((await explain(sluice, '')).body)['a'] === 'cooling', {
        withinMs: 2_000,
        what: 'the cooldown to be told',
      });
      const { body } = await explain(sluice, '');
      expect(body.would).toBe('wait');
      expect(body.wait_ms).toBeGreaterThan(20_000);
    });
  });

  it('rejects what nobody may serve, a model that is not there, and a query that is none', async () => {
    await withSluice(THREE, { yaml: TAG_FILTERING }, async (sluice) => {
      expect((await explain(sluice, 'tags=other')).body.would).toBe('reject');
      const unknown = await get<{ error: { code: string } }>(sluice, '/v1/deployments/explain?model=nothing-like-it');
      expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } });
      for (const query of ['input_tokens=x', 'has_images=x', 'at=x', 'tags=a&tags=b']) {
        expect((await explain(sluice, query)).status).toBe(400);
      }
      expect((await get(sluice, `/v1/deployments/explain?model=${sluice.group}`, 'sk-wrong')).status).toBe(401);
    });
  });
});

describe('GET /v1/deployments', () => {
  it('shows the state of each, by id too, and never a key', async () => {
    const deployments: PlayedDeployment[] = [{ profile: 'a', params: 'rpm: 7, region_name: eu' }, { profile: 'b' }];
    await withSluice(deployments, {}, async (sluice) => {
      await (await sluice.call({ model: `${sluice.group}-a` })).text();
      const { body } = await get<{ data: Record<string, unknown>[] }>(sluice, '/v1/deployments');
      expect(body.data).toHaveLength(2);
      expect(body.data[0]).toMatchObject({
        id: `${sluice.group}-a`,
        group: sluice.group,
        provider: 'openai',
        model: 'gpt-4o',
        region: 'eu',
        status: 'ready',
        limits: { rpm: { limit: 7, used: 1 } },
        max_input_tokens: 128_000,
      });
      expect(JSON.stringify(body)).not.toContain('sk-');
      const one = await get<{ id: string }>(sluice, `/v1/deployments/${sluice.group}-b`);
      expect(one.body.id).toBe(`${sluice.group}-b`);
      expect((await get(sluice, '/v1/deployments/nobody')).status).toBe(404);
    });
  });

  it('ends a cooldown on reset', async () => {
    const scripts = { a: { rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 60_000 } }] } };
    await withSluice([{ profile: 'a' }], { scripts }, async (sluice) => {
      await (await sluice.call({}, { 'x-sluice-when-full': 'reject' })).text();
      const path = `/v1/deployments/${sluice.group}-a`;
      const state = async (): Promise<string> => (await get<{ status: string }>(sluice, path)).body.status;
      await eventually(async () => (await state()) === 'cooling', { withinMs: 2_000, what: 'the cooldown' });
      const reset = await fetch(`${sluice.url}${path}/reset`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MASTER_KEY}` },
      });
      expect(reset.status).toBe(200);
      expect(await state()).toBe('ready');
    });
  });

  it('lets the calls in that waited for the end of a cooldown, on reset', async () => {
    const scripts = { a: { rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 60_000 } }] } };
    await withSluice([{ profile: 'a' }], { scripts }, async (sluice) => {
      const waiting = sluice.call({ stream: true });
      const queue = `/v1/queues/${sluice.group}`;
      const waits = async (): Promise<boolean> => (await get<{ waiting: number }>(sluice, queue)).body.waiting === 1;
      await eventually(waits, { withinMs: 3_000, what: 'the call to wait' });
      const startedMs = performance.now();
      await fetch(`${sluice.url}/v1/deployments/${sluice.group}-a/reset`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MASTER_KEY}` },
      });
      expect((await (await waiting).text()).trimEnd()).toMatch(/\[DONE\]$/);
      expect(performance.now() - startedMs).toBeLessThan(5_000);
    });
  }, 20_000);
});

describe('sluice explain', () => {
  it('asks a server that runs', async () => {
    await withSluice(THREE, { yaml: TAG_FILTERING }, async ({ url, group }) => {
      const told = await explainByServer(new Server({ url, key: MASTER_KEY }), {
        model: group,
        tags: 'paid',
        tokens: 50_000,
      });
      expect(told.status).toBe(0);
      expect(told.text).toMatch(/would be sent at once/);
      expect(told.text).toMatch(/-free +skipped, its tags do not match/);
      expect(told.text).toMatch(/-small +skipped, its context window is too small/);
      const wrongKey = explainByServer(new Server({ url, key: 'sk-wrong' }), { model: group });
      await expect(wrongKey).rejects.toMatchObject({
        status: 1,
        message: expect.stringMatching(/^The key is not known/),
      });
    });
  });
});

describe('sluice config explain', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'sluice-explain-')), 'config.yaml');
  writeFileSync(
    file,
    `model_list:
  - {model_name: cheap, litellm_params: {model: gpt-3.5-turbo, api_key: k}, model_info: {id: cheap-1}}
  - {model_name: good, litellm_params: {model: gpt-4o, api_key: k}, model_info: {id: good-1}}
  - model_name: auto
    litellm_params:
      model: sluice/router
      rules:
        - {when: {has_images: true}, use: good}
        - {when: {matches: "(?i)contract", hours: "08:00-18:00"}, use: good}
      default: cheap
router_settings: {context_window_fallbacks: [{cheap: [good]}]}
`,
  );
  const place = { env: {}, cwd: '/' };

  it.each([
    ['no rule', { model: 'auto' }, /Router auto: no rule, the default -> cheap\n.*\n {2}cheap-1 {2}chosen/],
    ['the first rule', { model: 'auto', images: true }, /Router auto: rule 1 -> good/],
    ['text and hour', { model: 'auto', text: 'This Contract', at: '2026-11-21T09:00Z' }, /rule 2 -> good/],
    ['text at night', { model: 'auto', text: 'This Contract', at: '2026-11-21T20:00Z' }, /the default -> cheap/],
  ])('tests a rule of a router: %s (L60)', (_name, options, expected) => {
    const told = explainByFile(file, options, place);
    expect(told).toMatchObject({ status: 0, text: expect.stringMatching(expected) });
  });

  it('says where a prompt goes that is too long', () => {
    const told = explainByFile(file, { model: 'cheap', tokens: 100_000, json: true }, place);
    expect(told.status).toBe(1);
    expect(JSON.parse(told.text)).toMatchObject({ would: 'reject', fallbacks: ['good'] });
  });

  it('says that there is no such model, or no such file', () => {
    expect(explainByFile(file, { model: 'cheep' }, place)).toEqual({
      status: 1,
      text: 'There is no model "cheep". Nearest names: cheap, good, auto.',
    });
    expect(explainByFile('/nowhere/config.yaml', { model: 'x' }, place)).toEqual({
      status: 2,
      text: 'the configuration nowhere/config.yaml does not exist',
    });
  });
});
