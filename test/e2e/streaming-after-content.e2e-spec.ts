import { describe, expect, it } from '@jest/globals';
import { readSse } from '../support/read-sse.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const PAIR: PlayedDeployment[] = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];
const always = (deed: Record<string, unknown>) => ({ rules: [{ do: deed }], answer: { tokens: 40 } });
/** What is said here holds where the operator wants no continuing. */
const ERROR = 'sluice: {midstream: error}';
const YAML = `router_settings: {idle_timeout: 0.4}\n${ERROR}`;

describe('a stream whose deployment fails after the first content, with midstream: error', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a cut', { cutAfter: 5 }, 'upstream_interrupted'],
    ['a reset', { cutAfter: 5, cutHow: 'rst' }, 'upstream_interrupted'],
    ['L65: a stall longer than idle_timeout', { stallAfter: 5 }, 'provider_timeout'],
    ['a chunk that is no JSON', { malformedAfter: 5 }, 'provider_malformed'],
    ['no finish', { noFinish: true }, 'upstream_interrupted'],
    ['no finish and no [DONE]', { noFinish: true, noDone: true }, 'upstream_interrupted'],
    ['an error event', { errorAfter: 5 }, 'provider_error'],
  ])('%s: an error frame, and no [DONE]', async (_name, deed, code) => {
    for (const model of ['openai/gpt-4o', 'azure/gpt-4o', 'anthropic/claude-sonnet-4-5']) {
      const pair = [{ ...PAIR[0]!, model }, PAIR[1]!];
      await withSluice(pair, { yaml: YAML, scripts: { first: always(deed) } }, async ({ call, callsTo }) => {
        const startedMs = performance.now();
        const seen = await readSse(await call({ stream: true })); // W7, W8, W10, L65
        expect(performance.now() - startedMs).toBeLessThan(2_000);
        expect(seen).toMatchObject({ status: 200, roles: 1, finishes: [], isDone: false });
        expect(seen.text.length).toBeGreaterThan(0);
        expect(seen.error).toMatchObject({ code, param: null });
        expect(seen.error!['message']).toContain('not the whole answer');
        expect(seen.error!['job_id']).toBe(seen.headers.get('x-sluice-job-id'));
        expect(callsTo('second')).toHaveLength(0);
      });
    }
  });

  it('is an APIError to the OpenAI client', async () => {
    await withSluice(PAIR, { yaml: ERROR, scripts: { first: always({ cutAfter: 3 }) } }, async ({ openai, group }) => {
      const stream = await openai.chat.completions.create({
        model: group,
        messages: [{ role: 'user', content: 'Say hello.' }],
        stream: true,
      });
      let text = '';
      const read = async (): Promise<void> => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      };
      await expect(read()).rejects.toMatchObject({ code: 'upstream_interrupted' });
      expect(text).toBeTruthy();
    });
  });

  it('counts against its deployment', async () => {
    const yaml = `router_settings: {allowed_fails: 1, cooldown_time: 60}\n${ERROR}`;
    await withSluice(PAIR, { yaml, scripts: { first: always({ cutAfter: 5 }) } }, async ({ call, callsTo }) => {
      for (const code of ['upstream_interrupted', 'upstream_interrupted', undefined, undefined]) {
        expect((await readSse(await call({ stream: true }))).error?.['code']).toBe(code);
      }
      expect(callsTo('first')).toHaveLength(2);
    });
  });

  it('the deadline in the middle of a stream says so', async () => {
    const slow = { tokensPerSecond: 20, answer: { tokens: 60 } };
    await withSluice(PAIR, { scripts: { first: slow } }, async ({ call }) => {
      const seen = await readSse(await call({ stream: true }, { 'x-sluice-deadline': '0.5' }));
      expect(seen.error).toMatchObject({ code: 'deadline_exceeded' });
      expect(seen.isDone).toBe(false);
    });
  });
});
