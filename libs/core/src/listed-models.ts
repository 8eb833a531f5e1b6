import type { ModelTable } from './deployment.js';
import { capturesOf } from './resolve-model.js';

/**
 * The names that a client can ask for, sorted: groups, routers, aliases that are not hidden. A pattern is told as the known
 * models that it stands for, and as itself when none is known.
 * @param known names of models with their provider: `openai/gpt-4o`
 */
export function listedModels(models: ModelTable, known: () => readonly string[]): string[] {
  const names = new Set<string>(models.routers?.keys());
  for (const [alias, { hidden }] of models.aliases) if (!hidden) names.add(alias);
  for (const { name, deployments } of models.groups.values()) {
    if (!name.includes('*')) {
      names.add(name);
      continue;
    }
    const meant = deployments.flatMap(({ fullModel }) => known().flatMap((model) => asked(name, fullModel, model)));
    for (const each of meant.length > 0 ? meant : [name]) names.add(each);
  }
  return [...names].toSorted();
}

/** What to ask for, so that the pattern's target becomes this model: its captures in the pattern's stars. */
function asked(pattern: string, target: string, model: string): string[] {
  const captured = target.includes('*') ? capturesOf(target, model, true) : undefined;
  const pieces = pattern.split('*');
  if (captured?.length !== pieces.length - 1) return [];
  return [pieces.reduce((name, piece, i) => name + captured[i - 1]! + piece)];
}
