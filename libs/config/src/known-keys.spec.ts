import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHAT_PARAMETERS, KNOWN_KEYS, type KnownKeys, type SectionName } from './known-keys.js';
import { meantKey } from './sort-keys.js';

type List = 'applied' | 'later' | 'blocking' | 'noEffect';
type Planned = Partial<Record<List, string[]>> & { misspelt?: Record<string, string> };

const { sections } = JSON.parse(readFileSync(join(import.meta.dirname, 'known-keys.fixture.json'), 'utf8')) as {
  sections: Record<SectionName, Planned>;
};
const words = (list = ''): string[] => list.split(/\s+/).filter(Boolean);
const today = (name: SectionName): Map<string, Exclude<keyof KnownKeys, 'misspelt'>> => {
  const keys: KnownKeys = KNOWN_KEYS[name];
  const lists = ['applied', 'always', 'harmless', 'blocking', 'noEffect'] as const;
  return new Map(lists.flatMap((list) => words(keys[list]).map((key) => [key, list] as const)));
};
/** Known, and not in the design's list: other names of a key that is, and members that stand for all of their kind. */
const ALSO: Partial<Record<SectionName, readonly string[]>> = {
  litellmParams: [...words(CHAT_PARAMETERS), 'stream'],
  modelInfo: words(KNOWN_KEYS.litellmParams.applied).concat(words(KNOWN_KEYS.litellmParams.harmless)), // any price
  router: ['request_timeout'],
  litellm: ['timeout'],
};
const matches = (pattern: string, key: string): boolean =>
  pattern === key || new RegExp(`^${pattern.replaceAll('*', '.+')}$`).test(key);
/** A key that is not built yet is told, or blocks: never applied before its time, never without effect after it. */
const MAY_BE: Record<List, readonly string[]> = {
  applied: ['applied', 'always', 'harmless', 'blocking'],
  later: ['harmless', 'blocking', 'applied', 'always'],
  blocking: ['blocking'],
  noEffect: ['noEffect', 'always'],
};
/** Providers without an adapter yet: a deployment of another provider has no use for their credentials. */
const OF_OTHER_PROVIDERS = /^(?:aws|vertex)_/;
/** The list has it as applied, LITELLM.md 4 as without effect: a call's own `priority` is what counts. */
const DISPUTED = new Set(['default_priority']);

/** Others are ours alone: what stands in one of our own maps. */
const names = Object.keys(sections) as SectionName[];

describe.each(names)('the known keys of %s', (name) => {
  const lists = today(name);
  const planned = sections[name];
  const plannedKeys = (['applied', 'later', 'blocking', 'noEffect'] as const).flatMap((list) =>
    (planned[list] ?? []).map((key) => ({ key, list })),
  );

  it('hold every key that the design knows, each in a list that it may be in', () => {
    const misplaced = plannedKeys.flatMap(({ key, list }) => {
      const here = lists.get(key) ?? [...lists].find(([pattern]) => matches(pattern, key))?.[1] ?? 'unknown';
      const isElsewhere = here === 'noEffect' && OF_OTHER_PROVIDERS.test(key);
      return MAY_BE[list].includes(here) || isElsewhere || DISPUTED.has(key)
        ? []
        : [`${key}: ${list} there, ${here} here`];
    });
    expect(misplaced).toEqual([]);
  });

  if (name !== 'sluice')
    it('hold no key that nobody knows', () => {
      const all = [...plannedKeys.map(({ key }) => key), ...(ALSO[name] ?? [])];
      const invented = [...lists.keys()].filter(
        (key) => !all.some((other) => matches(other, key) || matches(key, other)),
      );
      expect(invented).toEqual([]);
    });

  it('stand in one list each', () => {
    const keys: KnownKeys = KNOWN_KEYS[name];
    const all = (['applied', 'always', 'harmless', 'blocking', 'noEffect'] as const).flatMap((list) =>
      words(keys[list]),
    );
    expect(all.filter((key, i) => all.indexOf(key) !== i)).toEqual([]);
  });

  it('know the spellings that LiteLLM ignores', () => {
    for (const [wrong, right] of Object.entries(planned.misspelt ?? {})) expect(meantKey(name, wrong)).toBe(right);
  });
});
