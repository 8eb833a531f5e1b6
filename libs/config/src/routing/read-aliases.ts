import {
  nearestNames,
  resolveModel,
  type AliasEntry,
  type Deployment,
  type ModelGroup,
  type ModelTable,
  type RouterGroup,
} from '@sluice/core';
import { knownModel } from '../model-map/model-map.js';
import { Section } from '../section.js';
import type { YamlList, YamlNode } from '../yaml/node.js';

/**
 * `model_group_alias` in its three forms: a name, `{model, hidden}`, and a weighted list, which LiteLLM's documentation
 * shows and its code does not have. A weighted list is a model group of its own, with a queue of its own.
 */
export function readAliases(
  router: Section | undefined,
  groups: ReadonlyMap<string, ModelGroup>,
  deployments: ReadonlyMap<string, Deployment>,
  routers: ReadonlyMap<string, RouterGroup>,
  strict: boolean,
): ModelTable {
  const section = router?.section('model_group_alias');
  const aliases = new Map<string, { group: string; hidden: boolean }>();
  const all = new Map(groups);
  const plain: [string, YamlNode][] = [];
  for (const name of section?.map.entries.keys() ?? []) {
    const node = section!.node(name);
    if (node === undefined) continue;
    if (node.kind === 'list') {
      all.set(name, weightedGroup(name, node, section!, groups, deployments));
      continue;
    }
    const inner = node.kind === 'map' ? new Section(node, section!.book) : undefined;
    if (inner !== undefined && !inner.has('model')) {
      section!.wrong(node, 'a name, a list, or a map with the key "model"', 'a map without it');
      continue;
    }
    const group = inner === undefined ? section!.string(name) : inner.string('model');
    if (group === undefined) continue;
    aliases.set(name, { group, hidden: inner?.flag('hidden') ?? false });
    plain.push([name, node]);
  }
  const table: ModelTable = { groups: all, aliases, deployments, routers, factsOf: knownModel };
  for (const [name, node] of plain) checkTarget(name, node, table, section!, strict);
  return table;
}

function checkTarget(name: string, node: YamlNode, table: ModelTable, section: Section, strict: boolean): void {
  const seen = [name];
  for (let next = table.aliases.get(name)!.group; ; next = table.aliases.get(next)!.group) {
    if (next === seen.at(-1)) break; // an alias that names itself is the group of that name
    if (seen.includes(next)) {
      section.book.error(
        node.place,
        'string',
        `the aliases lead in a ring: ${[...seen, next].join(' -> ')}`,
        'point one of them at a model_name',
      );
      return;
    }
    if (!table.aliases.has(next)) break;
    seen.push(next);
  }
  const resolved = resolveModel(table, name, strict);
  if (resolved.kind !== 'unknown') return;
  const target = table.aliases.get(name)!.group;
  section.book.error(
    node.place,
    'string',
    `names "${target}", and no model is called so${didYouMean(target, table)}`,
    'write a model_name of model_list',
  );
}

export function didYouMean(name: string, table: ModelTable): string {
  const near = nearestNames(
    name,
    [...table.groups.keys(), ...table.aliases.keys()],
    3,
    Math.max(2, Math.floor(name.length / 3)),
  );
  return near.length === 0 ? '' : `: did you mean ${near.join(' or ')}?`;
}

/**
 * Each entry stands for the deployments of the group of the alias's own name (none such: of all) that have this
 * `litellm_params.model` or id, else for another group. Deployments of that own group in no entry come last: they serve
 * when the entries cannot.
 */
function weightedGroup(
  name: string,
  list: YamlList,
  section: Section,
  groups: ReadonlyMap<string, ModelGroup>,
  deployments: ReadonlyMap<string, Deployment>,
): ModelGroup {
  const own = groups.get(name);
  const entries: AliasEntry[] = [];
  const members = new Map<string, Deployment>();
  for (const item of list.items) {
    const entry = item.kind === 'map' ? new Section(item, section.book) : undefined;
    const model =
      entry === undefined
        ? item.kind === 'scalar' && typeof item.value === 'string'
          ? item.value
          : undefined
        : entry.string('model');
    if (model === undefined) {
      if (entry === undefined || !entry.has('model')) section.wrong(item, 'a map with the keys "model" and "weight"');
      continue;
    }
    const meant = membersOf(model, own, groups, deployments);
    if (meant.length === 0) {
      const advice = 'write a litellm_params.model, a model_info.id or a model_name of model_list';
      section.book.error(item.place, 'map', `names "${model}", and no deployment or group is called so`, advice);
      continue;
    }
    for (const deployment of meant) members.set(deployment.id, deployment);
    entries.push({ weight: entry?.number('weight') ?? 1, deploymentIds: meant.map(({ id }) => id) });
  }
  if (list.items.length === 0) section.wrong(list, 'a list of {model, weight}', 'an empty list');
  else if (entries.length > 0 && entries.every(({ weight }) => weight === 0)) {
    section.book.error(list.place, 'list', 'every weight is 0', 'give one entry a weight above 0');
  }
  for (const deployment of own?.deployments ?? []) members.set(deployment.id, deployment);
  return { name, deployments: [...members.values()], entries };
}

function membersOf(
  model: string,
  own: ModelGroup | undefined,
  groups: ReadonlyMap<string, ModelGroup>,
  deployments: ReadonlyMap<string, Deployment>,
): readonly Deployment[] {
  const isMeant = (deployment: Deployment): boolean =>
    deployment.id === model ||
    deployment.fullModel === model ||
    (deployment.provider !== 'azure' && deployment.fullModel === `${deployment.provider}/${model}`);
  const near = own?.deployments.filter(isMeant) ?? [];
  if (near.length > 0) return near;
  const anywhere = [...deployments.values()].filter(isMeant);
  return anywhere.length > 0 ? anywhere : (groups.get(model)?.deployments ?? []);
}
