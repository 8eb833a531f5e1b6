import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHAT_PARAMETERS, KNOWN_KEYS, type KnownKeys, type SectionName } from './known-keys.js';

const DOCS = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
const words = (list: string | undefined): string[] => (list ?? '').split(/\s+/).filter(Boolean);
/** Keys between backticks in the rows of the first table that begin with this title. */
const documented = (title: string): string[] =>
  DOCS.split('\n')
    .filter((line) => line.startsWith(`| ${title}`) && line.split('|').length === 4)
    .flatMap((line) => [
      ...line
        .split('|')[2]!
        .replaceAll(/\([^)]*\)/g, '')
        .matchAll(/`([a-z_]+[a-z0-9_]*)`/g),
    ])
    .map(([, key]) => key!);

describe('docs/configuration.md', () => {
  it.each<[SectionName, string]>([
    ['top', 'top level'],
    ['credential', '`credential_list[]`'],
    ['modelEntry', '`model_list[]`'],
    ['litellmParams', '`litellm_params`'],
    ['modelInfo', '`model_info`'],
    ['router', '`router_settings`'],
    ['litellm', '`litellm_settings`'],
    ['general', '`general_settings`'],
  ])('lists what is applied in %s, and nothing else', (name, title) => {
    const { applied, always }: KnownKeys = KNOWN_KEYS[name];
    // Read for their values only, which are not built; or told apart in the text.
    const elsewhere = new Set([
      ...words(CHAT_PARAMETERS),
      ...words('tenant_id client_id client_secret azure_scope'),
      ...words('success_callback failure_callback callbacks service_callback'),
      ...words('idle_timeout connect_timeout max_queue_wait'), // under our own keys
    ]);
    const expected = [...words(applied), ...words(always)].filter((key) => !elsewhere.has(key));
    expect(
      documented(title)
        .filter((key) => !elsewhere.has(key))
        .toSorted(),
    ).toEqual(expected.toSorted());
  });

  it('lists our own keys', () => {
    const own = [...DOCS.matchAll(/^\| `sluice\.([a-z_]+)` \|/gm)].map(([, key]) => key!);
    expect(own.toSorted()).toEqual(words(KNOWN_KEYS.sluice.applied).toSorted());
  });

  it('names every environment variable that is read', () => {
    const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
      .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
    const read = sources.flatMap((text) =>
      [...text.matchAll(/\benv\.([A-Z_]+)|'((?:SLUICE|OPENAI|AZURE|ANTHROPIC)_[A-Z_]+|PORT|LOG_LEVEL)'/g)].map(
        ([, a, b]) => a ?? b!,
      ),
    );
    const missing = new Set(read.filter((name) => !DOCS.includes(`\`${name}\``)));
    expect([...missing]).toEqual([]);
  });
});
