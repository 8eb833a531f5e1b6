import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

/** The group of LITELLM.md 10, in an order that a test can foresee. */
const ARTICLE: PlayedDeployment[] = [
  { profile: 'west', model: 'azure/gpt-4o', params: 'order: 1' },
  { profile: 'east', model: 'azure/gpt-4o', params: 'order: 2' },
  { profile: 'direct', model: 'openai/gpt-4o', params: 'order: 3' },
  { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', params: 'order: 4' },
];
const FALLBACKS =
  'litellm_settings: {fallbacks: [{GROUP: [GROUP]}]}\nrouter_settings: {num_retries: 2, retry_after: 5}';
const DOWN = { rules: [{ do: { kind: 'server' } }] };

describe('a group of two Azures, OpenAI and Anthropic', () => {
  it('leaves the one that said Retry-After: 5 alone for 5 s, in all workers, while the next one serves (L20)', async () => {
    await withSluice(ARTICLE, { workers: 2, yaml: FALLBACKS }, async ({ play, callsTo, call, group }) => {
      play({ west: { rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 5_000 } }] } });
      const first = await call({});
      expect(first.headers.get('x-litellm-model-id')).toBe(`${group}-east`);
      expect(first.headers.get('x-litellm-attempted-retries')).toBe('1');
      const [refused] = callsTo('west');
      const untilMs = refused!.atMs + 5_000;

      const served: string[] = [];
      const isBack = async (): Promise<boolean> => {
        for (const response of await Promise.all([call({}), call({}), call({ stream: true })])) {
          expect(response.status).toBe(200);
          await response.text();
          served.push(response.headers.get('x-litellm-model-id')!);
        }
        return served.at(-1) === `${group}-west`;
      };
      await eventually(isBack, { withinMs: 7_000, what: 'west to serve again' });
      const early = callsTo('west').filter(({ n, atMs }) => n !== refused!.n && atMs < untilMs);
      expect(early).toEqual([]);
      expect(new Set(served.slice(0, -3))).toEqual(new Set([`${group}-east`]));
    });
  });

  it.each([
    ['direct', ['west', 'east'], '2'],
    ['claude', ['west', 'east', 'direct'], '3'],
  ])('is served by %s when %j are down', async (serves, down, retries) => {
    const scripts = Object.fromEntries(down.map((profile) => [profile, DOWN]));
    await withSluice(ARTICLE, { yaml: FALLBACKS, scripts }, async ({ call, callsTo, group }) => {
      for (const stream of [false, true]) {
        const response = await call({ stream });
        expect(response.status).toBe(200);
        expect(await response.text()).toContain('"content":');
        expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-${serves}`);
        expect(response.headers.get('x-litellm-attempted-retries')).toBe(retries);
        expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('0');
      }
      for (const profile of [...down, serves]) expect(callsTo(profile)).toHaveLength(2);
    });
  });

  it('answers with one error that lists the attempts when all are down, soon', async () => {
    const scripts = { west: DOWN, east: DOWN, direct: DOWN, claude: DOWN };
    await withSluice(ARTICLE, { yaml: 'router_settings: {num_retries: 3}', scripts }, async ({ call, group }) => {
      const startedMs = performance.now();
      const response = await call({});
      expect(performance.now() - startedMs).toBeLessThan(5_000);
      expect(response.status).toBe(502);
      const { error } = (await response.json()) as { error: Record<string, string> };
      expect(error).toMatchObject({ code: 'provider_error', type: 'api_error' });
      for (const profile of ['west', 'east', 'direct', 'claude']) {
        expect(error['message']).toContain(`${group}-${profile} 500 server`);
      }
      expect(error['message']).not.toMatch(/sk-provider/);
      expect(response.headers.get('x-should-retry')).toBe('true');
      expect(response.headers.get('x-litellm-attempted-retries')).toBe('3');
    });
  });

  it('L82, L44: tries all four before it gives up, with two retries and itself as its fallback', async () => {
    const scripts = { west: DOWN, east: DOWN, direct: DOWN };
    const yaml = 'router_settings: {num_retries: 2, fallbacks: [{GROUP: [GROUP]}]}';
    await withSluice(ARTICLE, { yaml, scripts }, async ({ call, group }) => {
      const response = await call({});
      expect(response.headers.get('x-litellm-model-id')).toBe(`${group}-claude`); // L82
    });
  });
});
