import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const four: PlayedDeployment[] = ['a', 'b', 'c', 'd'].map((profile) => ({ profile }));
const checks = (names: string, strategy = 'simple-shuffle'): string =>
  `router_settings: {routing_strategy: ${strategy}, optional_pre_call_checks: [${names}]}`;

/** The deployments that serve some calls, each call in a worker of chance. */
async function placesOf({ call }: PlayedSluice, calls: { body?: object; headers?: Record<string, string> }[]) {
  const responses = await Promise.all(calls.map(({ body, headers }) => call({ ...body }, headers)));
  return responses.map((response) => response.headers.get('x-litellm-model-id'));
}
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
const distinct = (places: readonly (string | null)[]): number => new Set(places).size;

describe('affinity', () => {
  it.each(['simple-shuffle', 'least-busy', 'usage-based-routing'])(
    'L58 a session stays where it is, over two workers: %s',
    async (strategy) => {
      await withSluice(four, { yaml: checks('session_affinity', strategy), workers: 2 }, async (sluice) => {
        const named = (id: string) => ({ headers: { 'x-litellm-session-id': id } });
        const homes: (string | null)[] = [];
        for (let session = 0; session < 8; session++) {
          const places = await placesOf(sluice, times(6, named(`session-${session}`)));
          expect(distinct(places)).toBe(1);
          homes.push(places[0]!);
        }
        expect(distinct(homes)).toBeGreaterThan(1);
        expect(distinct(await placesOf(sluice, times(40, {})))).toBeGreaterThan(1);
      });
    },
  );

  it('L58 a session is served elsewhere while its deployment fails, and comes back', async () => {
    await withSluice(four, { yaml: checks('session_affinity'), workers: 2 }, async (sluice) => {
      const session = { body: { metadata: { session_id: 's' } } };
      const [home] = await placesOf(sluice, [session]);
      const profile = home!.slice(sluice.group.length + 1);
      sluice.play({ [profile]: { rules: [{ times: 2, do: { kind: 'server' } }] } });
      const away = [...(await placesOf(sluice, [session])), ...(await placesOf(sluice, [session]))];
      expect(away).not.toContain(home);
      expect(distinct(away)).toBe(1);
      expect(await placesOf(sluice, [session])).toEqual([home]);
    });
  });

  it('L58 a long prompt goes where its beginning is known, however the conversation goes on', async () => {
    await withSluice(four, { yaml: checks('prompt_caching'), workers: 2 }, async (sluice) => {
      const system = { role: 'system', content: 'Answer by the book. '.repeat(300) };
      const conversation = (question: string, turns: number) => ({
        body: {
          messages: [
            system,
            { role: 'user', content: question },
            ...times(turns, { role: 'assistant', content: 'Yes.' }).flatMap((m) => [
              m,
              { role: 'user', content: 'And?' },
            ]),
          ],
        },
      });
      const homes: (string | null)[] = [];
      for (const question of ['1?', '2?', '3?', '4?', '5?', '6?', '7?', '8?', '9?', '10?']) {
        const places = await placesOf(
          sluice,
          [0, 1, 2, 3].map((turns) => conversation(question, turns)),
        );
        expect(distinct(places)).toBe(1);
        homes.push(places[0]!);
      }
      expect(distinct(homes)).toBeGreaterThan(1);
    });
  });

  it('L58 a caller keeps its deployment; those who do not say who they are are dealt out', async () => {
    await withSluice(four, { yaml: checks('deployment_affinity'), workers: 2 }, async (sluice) => {
      for (const tenant of ['red', 'blue']) {
        expect(distinct(await placesOf(sluice, times(8, { headers: { 'x-sluice-tenant': tenant } })))).toBe(1);
      }
      expect(distinct(await placesOf(sluice, times(40, {})))).toBeGreaterThan(1);
    });
  });
});
