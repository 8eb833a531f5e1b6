import { nearestNames } from '@sluice/core';
import { KNOWN_KEYS, NO_EFFECT_REASONS, PYTHON_HOOKS, type KnownKeys, type SectionName } from './known-keys.js';
import { NOT_YET, type ReportBook } from './report-book.js';
import type { YamlMap, YamlNode } from './yaml/node.js';

type List = Exclude<keyof KnownKeys, 'misspelt'>;

interface Sorted {
  readonly lists: ReadonlyMap<string, List>;
  readonly patterns: readonly { readonly pattern: RegExp; readonly list: List }[];
  readonly names: readonly string[];
  readonly misspelt: Readonly<Record<string, string>>;
}

const SECTIONS = new Map<SectionName, Sorted>(
  (Object.entries(KNOWN_KEYS) as [SectionName, KnownKeys][]).map(([name, keys]) => [name, sorted(keys)]),
);

/** Gives each key of a section its first verdict, from the table of known keys. Readers may say more. */
export function sortKeys(name: SectionName, map: YamlMap, book: ReportBook): void {
  for (const [key, node] of map.entries) placeKey(name, key, node, book);
}

function placeKey(name: SectionName, key: string, node: YamlNode, book: ReportBook): void {
  const section = SECTIONS.get(name)!;
  const list = section.lists.get(key) ?? section.patterns.find(({ pattern }) => pattern.test(key))?.list;
  switch (list) {
    case 'applied':
      return book.applied(node.place);
    case 'always':
      return book.applied(node.place, 'Sluice always does so');
    case 'harmless':
      if (isOff(node) && !ASKS_WHEN_OFF.test(key)) return book.applied(node.place);
      return book.harmless(node.place);
    case 'blocking':
      if (isOff(node)) return book.applied(node.place); // off, as it is in this version
      if (PYTHON_HOOKS.has(key)) return book.blocking(node.place, 'a Python hook: Sluice cannot run it');
      return book.blocking(node.place, NOT_YET);
    case 'noEffect':
      return book.noEffect(node.place, noEffectReason(name, key));
    case undefined:
      return placeUnknown(name, section, key, node, book);
  }
}

/** Where `false` is no absence: what these switch off, or say of a model, is something else than what happens. */
const ASKS_WHEN_OFF = /^(?:disable|ssl|supports|require|redact|enable)_/;

function noEffectReason(name: SectionName, key: string): string {
  if (/^(?:aws|vertex)_/.test(key)) return 'it belongs to a provider that this deployment is not';
  return NO_EFFECT_REASONS[`${name}.${key}`] ?? "it tunes LiteLLM's own process";
}

function placeUnknown(name: SectionName, section: Sorted, key: string, node: YamlNode, book: ReportBook): void {
  if (name === 'modelInfo') return book.harmless(node.place, `echoed by /model/info: ${NOT_YET}`);
  const home = ELSEWHERE.find(([other]) => other !== name && SECTIONS.get(other)!.lists.has(key));
  if (home !== undefined) return book.noEffect(node.place, `it belongs under ${home[1]}`, `move it to ${home[1]}`);
  const meant = meantKey(name, key);
  if (meant !== undefined) {
    return book.noEffect(node.place, `unknown key: did you mean ${meant}?`);
  }
  if (name === 'litellmParams') {
    return book.noEffect(
      node.place,
      'unknown key: it is not sent',
      'put it under extra_body to send it to the provider',
    );
  }
  book.noEffect(node.place, 'unknown key: LiteLLM does not read it either');
}

/** The key that somebody who wrote this unknown one had in mind, as far as can be told. */
export function meantKey(name: SectionName, key: string): string | undefined {
  const { lists, names, misspelt } = SECTIONS.get(name)!;
  if (lists.has(key)) return undefined;
  const plain = key.toLowerCase().replaceAll('-', '_'); // baseURL, api-base
  return misspelt[plain] ?? nearestNames(plain, names, 1, maxEdits(plain))[0];
}

const ELSEWHERE: readonly [SectionName, string][] = [
  ['router', 'router_settings'],
  ['litellm', 'litellm_settings'],
  ['general', 'general_settings'],
  ['sluice', 'sluice'],
  ['litellmParams', 'litellm_params'],
];

const maxEdits = (key: string): number => (key.length < 5 ? 1 : 2);

/** `false`, nothing, or an empty list or map: a restriction that asks for nothing. */
function isOff(node: YamlNode): boolean {
  switch (node.kind) {
    case 'scalar':
      return (
        node.value === null ||
        node.value === false ||
        (node.variable !== undefined && /^(?:false|no|off)$/i.test(node.text))
      );
    case 'list':
      return node.items.length === 0;
    case 'map':
      return node.entries.size === 0;
    case 'unset':
      return false;
  }
}

function sorted(keys: KnownKeys): Sorted {
  const lists = new Map<string, List>();
  const patterns: { pattern: RegExp; list: List }[] = [];
  for (const list of ['applied', 'always', 'harmless', 'blocking', 'noEffect'] as const) {
    for (const key of (keys[list] ?? '').split(/\s+/).filter(Boolean)) {
      if (key.includes('*')) patterns.push({ pattern: new RegExp(`^${key.replace('*', '.+')}$`), list });
      else lists.set(key, list);
    }
  }
  return { lists, patterns, names: [...lists.keys()], misspelt: keys.misspelt ?? {} };
}
