import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const TAGS: PlayedDeployment[] = [
  { profile: 'paid', params: 'tags: [paid]' },
  { profile: 'free', params: 'tags: [free, default]' },
];
const TAG_FILTERING = 'router_settings: {enable_tag_filtering: true}';
const LONG = 'word '.repeat(30_000);

type Call = Parameters<PlayedSluice['call']>;

/** Which deployment answers, and of a refusal its code. */
async function servedBy({ call, group }: PlayedSluice, ...args: Call): Promise<string> {
  const response = await call(...args);
  const text = await response.text();
  if (response.status === 200) return response.headers.get('x-litellm-model-id')!.slice(group.length + 1);
  return `${response.status} ${(JSON.parse(text) as { error: { code: string } }).error.code}`;
}

describe('tags (L55)', () => {
  it.each<[string, string, ...Call]>([
    ['tags in the body', 'paid', { tags: ['paid'] }],
    ['tags in metadata, as LiteLLM’s clients write them', 'paid', { metadata: { tags: ['paid'], run: 1 } }],
    ['x-litellm-tags', 'paid', {}, { 'x-litellm-tags': 'paid' }],
    ['x-sluice-tags, which beats the body', 'paid', { tags: ['free'] }, { 'x-sluice-tags': 'paid' }],
    ['a tag that is left out', 'paid', { tags: ['!free'] }],
    ['a tag that nobody has', 'free', { tags: ['other'] }], // the default
    ['no tag at all', 'free', {}],
    ['a required tag that nobody has', '400 no_matching_tag', { tags: ['&other'] }],
    ['the same in a stream', '400 no_matching_tag', { tags: ['&other'], stream: true }],
    ['tags that are none', '400 invalid_request', { tags: 'paid' }],
  ])('%s: %s', async (_name, expected, ...call) => {
    await withSluice(TAGS, { yaml: TAG_FILTERING }, async (sluice) => {
      expect(await servedBy(sluice, ...call)).toBe(expected);
      for (const { body } of sluice.simulator.requests()) expect(JSON.stringify(body)).not.toMatch(/"tags"|"metadata"/);
    });
  });

  it('are not looked at without enable_tag_filtering', async () => {
    await withSluice([{ profile: 'paid', params: 'tags: [paid]' }], {}, async (sluice) => {
      expect(await servedBy(sluice, { tags: ['other'] })).toBe('paid');
    });
  });

  it('hold in a fallback group as well', async () => {
    const groups: PlayedDeployment[] = [
      { profile: 'a', params: 'tags: [paid]' },
      { profile: 'x', group: 'x', params: 'tags: [free]' },
      { profile: 'y', group: 'y', params: 'tags: [paid]' },
    ];
    const yaml =
      'router_settings: {enable_tag_filtering: true, num_retries: 0, fallbacks: [{GROUP: [GROUP-x, GROUP-y]}]}';
    const scripts = { a: { rules: [{ do: { kind: 'server' } }] } };
    await withSluice(groups, { yaml, scripts }, async (sluice) => {
      expect(await servedBy(sluice, { tags: ['paid'] })).toBe('y');
      expect(sluice.callsTo('x')).toHaveLength(0);
    });
  });
});

describe('regions (L56)', () => {
  const regions: PlayedDeployment[] = [
    { profile: 'eu', params: 'region_name: eu' },
    { profile: 'us', params: 'region_name: us' },
  ];
  it.each([
    ['eu', 'eu'],
    ['us', 'us'],
    ['mars', '400 invalid_request'],
  ])('allowed_model_region %s: %s', async (region, expected) => {
    await withSluice(regions, {}, async (sluice) => {
      expect(await servedBy(sluice, { allowed_model_region: region })).toBe(expected);
      for (const { body } of sluice.simulator.requests()) expect(body).not.toHaveProperty('allowed_model_region');
    });
  });
});

describe('the context window (L57)', () => {
  const messages = [{ role: 'user', content: LONG }];
  const small: PlayedDeployment = { profile: 'small', model: 'openai/gpt-3.5-turbo' };
  const large: PlayedDeployment = { profile: 'large', model: 'openai/gpt-4o' };

  it('a call too long for one deployment is served by the other, and the short one is not asked', async () => {
    await withSluice([small, large], {}, async (sluice) => {
      for (let i = 0; i < 5; i++) expect(await servedBy(sluice, { messages })).toBe('large');
      expect(sluice.callsTo('small')).toHaveLength(0);
    });
  });

  it('a call too long for the whole group goes to the context window’s fallback', async () => {
    const groups = [small, { ...large, group: 'x' }, { profile: 'y', group: 'y' }];
    const yaml = 'router_settings: {fallbacks: [{GROUP: [GROUP-y]}], context_window_fallbacks: [{GROUP: [GROUP-x]}]}';
    await withSluice(groups, { yaml }, async (sluice) => {
      expect(await servedBy(sluice, { messages })).toBe('large');
      expect(await servedBy(sluice, { messages, stream: true })).toBe('large');
    });
  });

  it('a call too long for everybody is refused before any provider is asked', async () => {
    await withSluice([small], {}, async (sluice) => {
      expect(await servedBy(sluice, { messages })).toBe('400 context_length_exceeded');
      expect(sluice.simulator.requests()).toHaveLength(0);
    });
  });

  it.each([
    [16_300, 'small'],
    [16_400, '400 context_length_exceeded'],
  ])('%d tokens for a window of 16,385, which an estimate could not tell: %s', async (words, expected) => {
    const near = [{ role: 'user', content: 'word '.repeat(words) }];
    await withSluice([small], {}, async (sluice) => {
      expect(await servedBy(sluice, { messages: near })).toBe(expected);
    });
  });

  it('is the provider’s business where enable_pre_call_checks is off', async () => {
    await withSluice([small], { yaml: 'router_settings: {enable_pre_call_checks: false}' }, async (sluice) => {
      expect(await servedBy(sluice, { messages })).toBe('small');
    });
  });
});

describe('abilities', () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] }];

  it('an image goes to the deployment that sees, and is refused where none does', async () => {
    const blind: PlayedDeployment = { profile: 'blind', model: 'openai/o3-mini' };
    await withSluice([blind, { profile: 'sees' }], {}, async (sluice) => {
      for (let i = 0; i < 5; i++) expect(await servedBy(sluice, { messages })).toBe('sees');
    });
    await withSluice([blind], {}, async (sluice) => {
      expect(await servedBy(sluice, { messages })).toBe('400 invalid_request');
      expect(sluice.simulator.requests()).toHaveLength(0);
    });
  });
});
