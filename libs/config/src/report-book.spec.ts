import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KNOWN_KEYS, type KnownKeys, type SectionName } from './known-keys.js';
import { readConfig } from './read-config.js';

const keysOf = (name: SectionName): string[] => {
  const { applied, always, harmless, blocking, noEffect }: KnownKeys = KNOWN_KEYS[name];
  return [applied, always, harmless, blocking, noEffect]
    .flatMap((list) => (list ?? '').split(/\s+/))
    .filter((key) => key !== '' && !key.includes('*'));
};
const value = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 3, -1, 1.5, '', 'gpt-4o', 'yes', 'os.environ/SET', 'os.environ/UNSET'),
  fc.constantFrom<unknown>('[{"gpt-4o": ["x"]}]', [], {}, ['gpt-4o', 1], [{ 'gpt-4o': ['gpt-4o'] }], { a: { b: 1 } }),
);
const section = (name: SectionName, more: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      fc.dictionary(fc.constantFrom(...keysOf(name), 'unknown_key'), value, { maxKeys: 8 }),
      fc.record(more, { requiredKeys: [] }),
    )
    .map(([any, own]) => ({ ...any, ...own }));
const entry = section('modelEntry', {
  model_name: fc.constantFrom('gpt-4o', 'b', 'openai/*'),
  litellm_params: section('litellmParams', { model: fc.constantFrom('gpt-4o', 'azure/x', 'claude-3', 'bedrock/y') }),
  model_info: section('modelInfo'),
});
const file = section('top', {
  model_list: fc.array(entry, { maxLength: 3 }),
  router_settings: section('router'),
  litellm_settings: section('litellm'),
  general_settings: section('general'),
  sluice: section('sluice'),
  credential_list: fc.array(section('credential', { credential_values: section('litellmParams') }), { maxLength: 2 }),
});

/** Paths of all keys in a value, as the report writes them. */
function pathsIn(node: unknown, path = ''): string[] {
  if (Array.isArray(node)) return node.flatMap((item, i) => pathsIn(item, `${path}[${i}]`));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, child]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [own, ...pathsIn(child, own)];
  });
}

describe('the report', () => {
  it('has every key of any file in exactly one list, and no file makes it throw', () => {
    fc.assert(
      fc.property(file, (config) => {
        const { report } = readConfig({ env: { SET: '5' }, cwd: '/nowhere', text: JSON.stringify(config) });
        const lists = new Map<string, string[]>();
        const add = (list: string, path: string): void => {
          const seen = lists.get(path) ?? [];
          if (list !== 'errors' || !seen.includes(list)) lists.set(path, [...seen, list]);
        };
        for (const { path } of report.errors) add('errors', path);
        for (const { path } of report.applied) add('applied', path);
        for (const { path } of report.noEffect) add('noEffect', path);
        for (const { path } of report.unsupported) add('unsupported', path);
        for (const path of pathsIn(config)) expect([path, lists.get(path)?.length]).toEqual([path, 1]);
      }),
      { numRuns: 300 },
    );
  });
});
