import type { Deployment, ModelGroup, ModelTable } from './deployment.js';
import type { RouterGroup } from './router/choose-group.js';
import { factsOver } from './model-facts.js';

/** What a name in a request, a fallback list or an alias stands for. */
export type ResolvedModel =
  | {
      readonly kind: 'found';
      /** For a pattern: its deployments have the asked model filled in. The name stays the pattern's: it names the queue. */
      readonly group: ModelGroup;
      /** Ids that may serve (the name was a deployment's); absent: all. */
      readonly only?: readonly string[];
      /** What the stars of the pattern stood for, in order. */
      readonly captured?: readonly string[];
    }
  /** Its rules say which model is meant, call by call. */
  | { readonly kind: 'router'; readonly router: RouterGroup }
  | { readonly kind: 'unknown'; readonly nearest: readonly string[] };

/** Longer names are nobody's: they only cost time. */
const MAX_NAME_LENGTH = 512;
const NEAREST = 5;

/**
 * What a client's `model` means: alias, then group, pattern, deployment id, raw `litellm_params.model`, and the group
 * named `*` for the rest. Source: LITELLM.md 2, "Names".
 * @param strict patterns match the whole name; else, as in LiteLLM, from its start only
 */
export function resolveModel(models: ModelTable, name: string, strict: boolean): ResolvedModel {
  const target = behindAliases(models, name);
  const router = models.routers?.get(target);
  if (router !== undefined) return { kind: 'router', router };
  const group = models.groups.get(target);
  if (group !== undefined) return { kind: 'found', group };
  if (target.length <= MAX_NAME_LENGTH) {
    for (const pattern of patternsOf(models)) {
      const captured = capturesOf(pattern.name, target, strict);
      if (captured !== undefined) return filled(models, pattern, target, captured);
    }
  }
  return (
    byDeployment(models, target) ?? byStar(models, target) ?? { kind: 'unknown', nearest: nearestTo(models, name) }
  );
}

function behindAliases(models: ModelTable, name: string): string {
  let target = name;
  for (let hops = 0; hops <= models.aliases.size; hops++) {
    const alias = models.aliases.get(target);
    if (alias === undefined || alias.group === target) return target;
    target = alias.group;
  }
  return target; // a ring, which libs/config refuses
}

function byDeployment(models: ModelTable, name: string): ResolvedModel | undefined {
  const named = models.deployments.get(name);
  if (named !== undefined) return within(models, named.group, [named.id]);
  const meant = [...models.deployments.values()].filter((deployment) => isWrittenAs(deployment, name));
  const home = meant.find((deployment) => deployment.disabled === undefined) ?? meant[0];
  if (home === undefined) return undefined;
  return within(
    models,
    home.group,
    meant.filter((deployment) => deployment.group === home.group).map((deployment) => deployment.id),
  );
}

/** `azure/gpt-4o`; a bare name may leave its provider out. */
function isWrittenAs({ fullModel, provider }: Deployment, name: string): boolean {
  return fullModel === name || (provider !== 'azure' && fullModel === `${provider}/${name}`);
}

/** Under the home group's name, also where a weighted alias has taken it: lease and queue are the group's. */
function within(models: ModelTable, home: string, only: readonly string[]): ResolvedModel {
  const present = models.groups.get(home);
  if (present !== undefined && only.every((id) => present.deployments.some((deployment) => deployment.id === id))) {
    return { kind: 'found', group: present.entries === undefined ? present : { ...present, entries: undefined }, only };
  }
  const deployments = [...models.deployments.values()].filter((deployment) => deployment.group === home);
  return { kind: 'found', group: { name: home, deployments, entries: undefined }, only };
}

function byStar(models: ModelTable, name: string): ResolvedModel | undefined {
  const star = models.groups.get('*');
  return star && filled(models, star, name, [name]);
}

const sortedPatterns = new WeakMap<ModelTable, readonly ModelGroup[]>();

/** Longest first; the group `*` comes after everything else. Sorted once per table: tables are frozen. */
function patternsOf(models: ModelTable): readonly ModelGroup[] {
  const known = sortedPatterns.get(models);
  if (known !== undefined) return known;
  const patterns = [...models.groups.values()]
    .filter(({ name }) => name.includes('*') && name !== '*')
    .toSorted((a, b) => b.name.length - a.name.length);
  sortedPatterns.set(models, patterns);
  return patterns;
}

/**
 * What each `*` of the pattern stands for, each as long as it can be, left before right; undefined when it does not match.
 * The same as the regular expression with `(.*)` for `*`, but in linear time: every literal piece takes its last possible
 * place, found from the right.
 */
export function capturesOf(pattern: string, name: string, strict: boolean): readonly string[] | undefined {
  const [head = '', ...pieces] = pattern.split('*');
  if (!name.startsWith(head)) return undefined;
  if (pieces.length === 0) return !strict || name === head ? [] : undefined;
  const starts: number[] = [];
  let end = name.length;
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i]!;
    const isLast = i === pieces.length - 1;
    const start =
      isLast && strict
        ? name.endsWith(piece)
          ? name.length - piece.length
          : -1
        : end - piece.length < 0
          ? -1
          : name.lastIndexOf(piece, end - piece.length);
    if (start < head.length) return undefined;
    starts[i] = start;
    end = start;
  }
  let from = head.length;
  return pieces.map((piece, i) => {
    const captured = name.slice(from, starts[i]);
    from = starts[i]! + piece.length;
    return captured;
  });
}

function filled(
  { factsOf }: ModelTable,
  pattern: ModelGroup,
  name: string,
  captured: readonly string[],
): ResolvedModel {
  const deployments = pattern.deployments.map((deployment) => withModel(deployment, name, captured, factsOf));
  return { kind: 'found', group: { ...pattern, deployments }, captured };
}

/** Captures fill the stars in order; when there are more of them than stars, the asked name goes out whole. */
function withModel(
  deployment: Deployment,
  name: string,
  captured: readonly string[],
  factsOf: ModelTable['factsOf'],
): Deployment {
  const pieces = deployment.fullModel.split('*');
  if (pieces.length === 1) return deployment;
  const full =
    captured.length > pieces.length - 1
      ? name
      : pieces.reduce((model, piece, i) => model + (captured[i - 1] ?? '*') + piece);
  const prefix = `${deployment.provider}/`;
  const model = full.startsWith(prefix) ? full.slice(prefix.length) : full;
  const fullModel = prefix + model;
  const known = deployment.baseModel === undefined ? factsOf?.(fullModel) : undefined;
  return { ...deployment, model, fullModel, ...factsOver(deployment, known) };
}

function nearestTo(models: ModelTable, name: string): string[] {
  const aliases = [...models.aliases].filter(([, alias]) => !alias.hidden).map(([alias]) => alias);
  return nearestNames(name, [...models.groups.keys(), ...(models.routers?.keys() ?? []), ...aliases], NEAREST);
}

/** The names that take the fewest edits to reach, nearest first; ties in the order given. */
export function nearestNames(name: string, names: Iterable<string>, count: number, maxEdits = Infinity): string[] {
  const asked = name.slice(0, 64);
  return [...names]
    .map((known) => ({ known, edits: editsBetween(asked, known.slice(0, 64)) }))
    .filter(({ edits }) => edits <= maxEdits)
    .toSorted((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ known }) => known);
}

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
