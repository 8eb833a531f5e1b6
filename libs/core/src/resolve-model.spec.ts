import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Deployment, ModelGroup, ModelTable } from './deployment.js';
import { NO_FACTS } from './model-facts.js';
import { capturesOf, nearestNames, resolveModel } from './resolve-model.js';

const deployment = (id: string, group: string, fullModel: string): Deployment => ({
  id,
  group,
  provider: fullModel.slice(0, fullModel.indexOf('/')) as Deployment['provider'],
  model: fullModel.slice(fullModel.indexOf('/') + 1),
  fullModel,
  baseModel: undefined,
  ...NO_FACTS,
  tags: [],
  region: undefined,
  target: {
    baseUrl: 'http://127.0.0.1',
    apiKey: undefined,
    apiVersion: undefined,
    azureAdToken: undefined,
    organization: undefined,
    extraHeaders: {},
    extraBody: {},
    defaults: {},
    dropParams: false,
    additionalDropParams: [],
    allowedOpenaiParams: [],
    mock: undefined,
  },
  order: 1,
  weight: undefined,
  rpm: undefined,
  tpm: undefined,
  maxParallel: undefined,
  timeoutMs: undefined,
  streamTimeoutMs: undefined,
  numRetries: undefined,
  cooldownMs: undefined,
  allowedFails: undefined,
  allowedFailsPolicy: undefined,
  disabled: undefined,
  info: {},
});

/** Groups by name, each with its deployments as `id: litellm_params.model`. */
function table(
  groups: Record<string, Record<string, string>>,
  aliases: Record<string, { group: string; hidden: boolean }> = {},
): ModelTable {
  const all = Object.entries(groups).map(([name, members]): ModelGroup => ({
    name,
    deployments: Object.entries(members).map(([id, model]) => deployment(id, name, model)),
    entries: undefined,
  }));
  return {
    groups: new Map(all.map((group) => [group.name, group])),
    aliases: new Map(Object.entries(aliases)),
    deployments: new Map(all.flatMap((group) => group.deployments.map((member) => [member.id, member]))),
  };
}

/** The group's name, then each deployment's model, as one string. */
function found(models: ModelTable, name: string, strict = false): string {
  const resolved = resolveModel(models, name, strict);
  if (resolved.kind !== 'found') return resolved.kind;
  const sent = resolved.group.deployments.map(({ provider, model }) => `${provider} ${model}`);
  return [resolved.group.name, ...sent, ...(resolved.only ?? [])].join(' | ');
}

describe('a model name', () => {
  const models = table(
    {
      'gpt-4o': { west: 'azure/gpt-4o-west', direct: 'openai/gpt-4o' },
      'openai/*': { any: 'openai/*' },
      'openai/gpt-*': { gpts: 'openai/gpt-*' },
      'openai/o3': { o3: 'openai/o3' },
      'team-*/*': { both: 'openai/*' },
      'pair-*-*': { pair: 'openai/*:*' },
      claude: { sonnet: 'anthropic/claude-sonnet-4-5' },
      'fixed-*': { fixed: 'openai/gpt-4o-mini' },
    },
    {
      smart: { group: 'gpt-4o', hidden: false },
      second: { group: 'smart', hidden: false },
      claude: { group: 'claude', hidden: true },
    },
  );

  it.each([
    ['smart', 'gpt-4o | azure gpt-4o-west | openai gpt-4o', 'an alias'],
    ['second', 'gpt-4o | azure gpt-4o-west | openai gpt-4o', 'an alias of an alias'],
    ['claude', 'claude | anthropic claude-sonnet-4-5', 'an alias of itself is the group'],
    ['openai/o3', 'openai/o3 | openai o3', 'exact beats pattern (L11)'],
    ['openai/whisper', 'openai/* | openai whisper', 'captures fill the target (L12)'],
    ['openai/gpt-5', 'openai/gpt-* | openai gpt-5', 'longest pattern first (L13)'],
    ['pair-a-b', 'pair-*-* | openai a:b', 'captures in order'],
    ['pair-a-b-c', 'pair-*-* | openai a-b:c', 'the first star takes what it can'],
    ['team-x/y', 'team-*/* | openai team-x/y', 'more captures than stars: the asked name whole'],
    ['fixed-anything', 'fixed-* | openai gpt-4o-mini', 'no star in the target: as written'],
    ['west', 'gpt-4o | azure gpt-4o-west | openai gpt-4o | west', 'a deployment id reaches that one alone (L14)'],
    ['azure/gpt-4o-west', 'gpt-4o | azure gpt-4o-west | openai gpt-4o | west', 'raw litellm_params.model'],
    ['claude-sonnet-4-5', 'claude | anthropic claude-sonnet-4-5 | sonnet', 'raw, provider left out'],
    ['gpt-4o-west', 'unknown', 'an Azure deployment is never a bare name'],
    ['x'.repeat(600), 'unknown', 'too long to be anything'],
    ['', 'unknown', 'nothing'],
  ])('%s: %s (%s)', (name, expected) => {
    expect(found(models, name)).toBe(expected);
  });

  it('that nobody has gets the five nearest, hidden aliases left out (L18)', () => {
    const resolved = resolveModel(models, 'gpt-4', false);
    expect(resolved.kind === 'unknown' && resolved.nearest).toHaveLength(5);
    expect(resolved.kind === 'unknown' && resolved.nearest[0]).toBe('gpt-4o');
    const hidden = table({ a: { x: 'openai/x' } }, { secret: { group: 'a', hidden: true } });
    expect(resolveModel(hidden, 'secre', false)).toEqual({ kind: 'unknown', nearest: ['a'] });
  });

  it('that nothing else takes goes to the group * (L15)', () => {
    const rest = table({ '*': { any: 'openai/*' }, b: { c: 'openai/d' } });
    expect(found(rest, 'whatever/x')).toBe('* | openai whatever/x');
    expect(found(rest, 'c')).toBe('b | openai d | c'); // ids come before it
  });

  it('matches a pattern from its start, and to its end only when strict', () => {
    const suffix = table({ 'gpt-*-mini': { a: 'openai/gpt-*-mini' } });
    expect(found(suffix, 'gpt-4o-mini-2024')).toBe('gpt-*-mini | openai gpt-4o-mini');
    expect(found(suffix, 'gpt-4o-mini-2024', true)).toBe('unknown');
    expect(found(suffix, 'gpt-4o-mini', true)).toBe('gpt-*-mini | openai gpt-4o-mini');
    expect(found(suffix, 'my-gpt-4o-mini')).toBe('unknown');
  });

  it('of a deployment whose group a weighted alias has replaced is that deployment, without entries', () => {
    const plain = table({ g: { a: 'openai/a', b: 'openai/b' } });
    const group = plain.groups.get('g')!;
    const groups = new Map([['g', { ...group, entries: [{ weight: 1, deploymentIds: ['b'] }] }]]);
    expect(resolveModel({ ...plain, groups }, 'a', false)).toEqual({ kind: 'found', group, only: ['a'] });
  });

  it('in a ring of aliases does not hang', () => {
    const ring = table({}, { a: { group: 'b', hidden: false }, b: { group: 'a', hidden: false } });
    expect(found(ring, 'a')).toBe('unknown');
  });
});

describe('a pattern', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '-'), maxLength: 8 });

  it('captures what the regular expression of LiteLLM captures', () => {
    fc.assert(
      fc.property(
        part,
        fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 12 }),
        fc.boolean(),
        (pattern, name, strict) => {
          const source = pattern.split('*').map(escaped).join('([^]*)');
          const match = new RegExp(`^${source}${strict ? '$' : ''}`).exec(name);
          expect(capturesOf(pattern, name, strict)).toEqual(match === null ? undefined : match.slice(1));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('of many stars takes no longer for a name that nearly fits', () => {
    const started = performance.now();
    expect(capturesOf(`${'a*'.repeat(40)}b`, 'a'.repeat(512), true)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(100);
  });
});

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\-]/g, '\\$&');

describe('nearest names', () => {
  it('are sorted by edits, and bounded', () => {
    expect(nearestNames('num_retry', ['timeout', 'num_retries', 'retry_after'], 1, 3)).toEqual(['num_retries']);
    expect(nearestNames('zzz', ['timeout'], 1, 2)).toEqual([]);
  });
});
