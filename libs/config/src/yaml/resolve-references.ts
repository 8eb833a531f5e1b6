import type { YamlNode, YamlScalar } from './node.js';

const PREFIX = 'os.environ/';

/** The name in `os.environ/NAME`; undefined for every other value. Only the whole string counts. */
export function referenceIn(node: YamlNode): string | undefined {
  if (node.kind === 'unset') return node.variable;
  if (node.kind !== 'scalar') return undefined;
  if (node.variable !== undefined) return node.variable;
  return typeof node.value === 'string' && node.value.startsWith(PREFIX) ? node.value.slice(PREFIX.length) : undefined;
}

/**
 * The tree with each `os.environ/NAME` replaced by the variable's value, in lists too, where LiteLLM forgets them. An
 * empty variable counts as unset: compose files pass `${NAME:-}`.
 */
export function resolveReferences(
  node: YamlNode,
  env: Readonly<Record<string, string | undefined>>,
  onUnset: (node: YamlScalar, variable: string) => void,
): YamlNode {
  const recur = (child: YamlNode): YamlNode => resolveReferences(child, env, onUnset);
  switch (node.kind) {
    case 'list':
      return { ...node, items: node.items.map(recur) };
    case 'map':
      return { ...node, entries: new Map([...node.entries].map(([key, value]) => [key, recur(value)])) };
    case 'unset':
      return node;
    case 'scalar': {
      const variable = referenceIn(node);
      if (variable === undefined || node.variable !== undefined) return node;
      const value = env[variable];
      if (value === undefined || value === '') {
        onUnset(node, variable);
        return { kind: 'unset', place: node.place, variable };
      }
      return { ...node, value, text: value, variable };
    }
  }
}
