import { resolveModel, type ModelTable } from '@sluice/core';
import { Section } from '../section.js';
import type { Place, YamlNode } from '../yaml/node.js';
import { didYouMean } from './read-aliases.js';

export interface FallbackChain {
  readonly from: string;
  readonly place: Place;
  readonly targets: readonly { readonly name: string; readonly place: Place }[];
}

/**
 * A list of fallbacks in any shape that people write: a list of one-key maps, a plain map, or either as a JSON string.
 * Undefined when the key is absent.
 */
export function readChains(section: Section, key: string): FallbackChain[] | undefined {
  const node = section.node(key);
  return node === undefined ? undefined : chainsOf(node, section);
}

function chainsOf(node: YamlNode, section: Section): FallbackChain[] {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const parsed = parseJson(node.value);
    if (typeof parsed === 'object' && parsed !== null) return chainsOf(nodeOf(parsed, node.place), section);
  }
  if (node.kind === 'map') return chainsOfMap(new Section(node, section.book));
  if (node.kind === 'list') {
    return node.items.flatMap((item) => {
      if (item.kind === 'map') return chainsOfMap(new Section(item, section.book));
      section.wrong(item, 'a map such as {model: [fallback]}');
      return [];
    });
  }
  section.wrong(node, 'a list of maps such as {model: [fallback]}, a map, or either as JSON');
  return [];
}

function chainsOfMap(map: Section): FallbackChain[] {
  return [...map.map.entries.keys()].flatMap((from) => {
    const node = map.node(from);
    if (node === undefined) return [];
    return [{ from, place: node.place, targets: targetsOf(node, map) }];
  });
}

/** A list of names; a single name stands for a list of one. */
export function targetsOf(node: YamlNode, section: Section): { name: string; place: Place }[] {
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '')
      return [{ name: item.value, place: item.place }];
    section.wrong(item, 'the name of a model');
    return [];
  });
}

/** Chains by group name, checked: every target must be something that can be called. */
export function checkedChains(
  chains: readonly FallbackChain[],
  models: ModelTable,
  strict: boolean,
  section: Section,
): Map<string, readonly string[]> {
  const byGroup = new Map<string, readonly string[]>();
  for (const { from, place, targets } of chains) {
    for (const target of targets) {
      if (resolveModel(models, target.name, strict).kind === 'found') continue;
      const reason = `names "${target.name}" as a fallback, and no model is called so${didYouMean(target.name, models)}`;
      section.book.error(
        target.place,
        'string',
        reason,
        'write a model_name of model_list, an alias or a deployment id',
      );
    }
    const names = targets.map(({ name }) => name);
    const key = groupOf(from, models, strict, section, place);
    if (key !== undefined && (key === from || !byGroup.has(key))) byGroup.set(key, names);
  }
  return byGroup;
}

/**
 * Fallbacks are looked up by the name that was asked for and by the group's: an alias means its group; a provider before a
 * group's name, or missing there, makes no difference; a pattern may stand for a name. Anything else is told.
 */
function groupOf(
  from: string,
  models: ModelTable,
  strict: boolean,
  section: Section,
  place: Place,
): string | undefined {
  if (from === '*' || models.groups.has(from)) return from;
  const named = [...models.groups.keys()].find((group) => group.slice(group.indexOf('/') + 1) === from);
  if (named !== undefined) return from; // found without its provider prefix
  const bare = from.slice(from.indexOf('/') + 1);
  if (!models.aliases.has(from) && models.groups.has(bare)) return bare;
  const resolved = resolveModel(models, from, strict);
  if (resolved.kind === 'found') return models.aliases.has(from) ? resolved.group.name : from;
  section.book.noEffect(
    place,
    `no model group is called "${from}"${didYouMean(from, models)}`,
    'write a model_name of model_list',
  );
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Everything in a JSON string stands where the string stands. */
function nodeOf(value: unknown, place: Place): YamlNode {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => nodeOf(item, place)) };
  if (typeof value === 'object' && value !== null) {
    const entries = new Map(Object.entries(value).map(([key, item]) => [key, nodeOf(item, place)]));
    return { kind: 'map', place, entries, repeated: [] };
  }
  const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  return { kind: 'scalar', place, value: scalar, text: String(scalar ?? '') };
}
