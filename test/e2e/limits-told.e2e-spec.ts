import { describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { withSluice } from '../support/with-sluice.js';

const WINDOW_MS = 1_500;

describe('a provider that says how much it will still take', () => {
  it.each([
    ['openai/gpt-4o', 'rpm', { rpm: 6 }],
    ['anthropic/claude-sonnet-4-5', 'rpm', { rpm: 6 }],
    ['openai/gpt-4o', 'tpm', { tpm: 1_900 }],
  ])('%s: is asked no more than that before its reset, and never answers 429 (%s)', async (model, _unit, limits) => {
    const scripts = { only: { limits: { ...limits, windowMs: WINDOW_MS }, answer: { tokens: 20 } } };
    await withSluice([{ profile: 'only', model }], { scripts }, async ({ call, callsTo }) => {
      for (let i = 0; i < 14; i++) {
        const response = await call({ stream: i % 2 === 1, max_tokens: 256 });
        await response.text();
        expect(response.status).toBe(200);
      }
      expect(callsTo('only').map(({ status }) => status)).toEqual(Array.from({ length: 14 }, () => 200));
    });
  });

  it('with nothing left is left to its neighbour, by workers that did not hear it themselves', async () => {
    const pair = [
      { profile: 'first', params: 'order: 1' },
      { profile: 'second', params: 'order: 2' },
    ];
    const scripts = { first: { limits: { rpm: 5, windowMs: 60_000 } } };
    await withSluice(pair, { scripts, workers: 3 }, async ({ call, callsTo }) => {
      for (let i = 0; i < 12; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('first').map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect(callsTo('second')).toHaveLength(7);
    });
  });

  it('gives back what it had counted already when it spoke', async () => {
    const pair = [
      { profile: 'first', params: 'order: 1' },
      { profile: 'second', params: 'order: 2' },
    ];
    // Each answer is later than that of the call after it, so the last one's word comes first: two are left, and two others under way.
    const rules = [800, 400].map((ms) => ({ times: 1, do: { delayHeadersMs: ms } }));
    const scripts = { first: { limits: { rpm: 5, windowMs: 60_000 }, rules } };
    await withSluice(pair, { scripts }, async ({ call, callsTo }) => {
      const burst: Promise<Response>[] = [];
      for (let asked = 1; asked <= 3; asked++) {
        burst.push(call({}));
        await eventually(() => callsTo('first').length === asked, {
          withinMs: 5_000,
          what: `call ${asked} to be with its provider`,
        });
      }
      for (const response of await Promise.all(burst)) expect(response.status).toBe(200);
      for (let i = 0; i < 3; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('first').map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect(callsTo('second')).toHaveLength(1);
    });
  });

  it('and has plenty again is asked freely before the reset it named first', async () => {
    const told = (remaining: string) => ({
      headers: { 'x-ratelimit-remaining-requests': remaining, 'x-ratelimit-reset-requests': '60s' },
    });
    const scripts = { only: { rules: [{ times: 1, do: told('2') }, { do: told('500') }] } };
    await withSluice([{ profile: 'only' }], { scripts }, async ({ call, callsTo }) => {
      for (let i = 0; i < 6; i++) expect((await call({})).status).toBe(200);
      expect(callsTo('only')).toHaveLength(6);
    });
  });

  it('is not rationed where cooldowns are off', async () => {
    const told = { headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '60s' } };
    const yaml = 'router_settings: {disable_cooldowns: true}';
    await withSluice(
      [{ profile: 'only' }],
      { yaml, scripts: { only: { rules: [{ do: told }] } } },
      async ({ call }) => {
        for (let i = 0; i < 3; i++) expect((await call({})).status).toBe(200);
      },
    );
  });
});
