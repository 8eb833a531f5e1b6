import type { Deployment, ModelGroup, ModelTable } from '@sluice/core';
import type { Section } from '../section.js';
import { didYouMean } from './read-aliases.js';
import { readStrategy } from './read-strategy.js';

/**
 * `routing_groups`: the models named in an entry are routed by its strategy, and the entry can be called by its name: it is a
 * group of its own, with a queue of its own, over the deployments of all of them.
 */
export function withRoutingGroups(router: Section | undefined, models: ModelTable): ModelTable {
  const groups = new Map(models.groups);
  const takenBy = new Map<string, string>();
  for (const entry of router?.sections('routing_groups') ?? []) {
    const name = entry.string('group_name');
    if (name === undefined || name === '') {
      if (name === '' || !entry.has('group_name')) entry.book.error(entry.place, 'map', 'group_name is missing');
      continue;
    }
    const strategy = readStrategy(entry);
    const members = membersOf(entry, name, models, takenBy);
    for (const member of members) groups.set(member.name, { ...member, strategy });
    if (groups.has(name) || models.aliases.has(name)) {
      const { place } = entry.map.entries.get('group_name')!;
      entry.book.noEffect(
        place,
        'a model or alias has this name, and is what it calls; the strategy holds for its models',
      );
      continue;
    }
    // A pattern's deployments are whatever model is asked for, and here none is.
    const deployments = members.flatMap((m) => m.deployments).filter(({ fullModel }) => !fullModel.includes('*'));
    if (deployments.length > 0)
      groups.set(name, { name, deployments: unique(deployments), entries: undefined, strategy });
  }
  return { ...models, groups };
}

function membersOf(entry: Section, name: string, models: ModelTable, takenBy: Map<string, string>): ModelGroup[] {
  const { book } = entry;
  const list = entry.map.entries.get('models');
  if (list === undefined) book.error(entry.place, 'map', 'models is missing', 'list model_names of model_list');
  return (entry.list('models') ?? []).flatMap((node) => {
    const model = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
    if (model === undefined) {
      entry.wrong(node, 'a model_name');
      return [];
    }
    const group = models.groups.get(model);
    const other = takenBy.get(model);
    if (group === undefined) {
      const near = didYouMean(model, models);
      book.error(node.place, 'string', `names "${model}", and no model is called so${near}`, 'write a model_name');
    } else if (other !== undefined) {
      book.error(
        node.place,
        'string',
        `"${model}" is in the routing group "${other}" already`,
        'name it in one of them',
      );
    } else {
      takenBy.set(model, name);
      return [group];
    }
    return [];
  });
}

const unique = (deployments: readonly Deployment[]): Deployment[] => [
  ...new Map(deployments.map((deployment) => [deployment.id, deployment])).values(),
];
