import { isObject } from '../script/checks.js';

const DEEPEST = 8;

/** A value that fits a JSON schema as far as types, enums and required members go: what a forced tool is called with. */
export function exampleOf(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > DEEPEST) return depth === 0 ? {} : null;
  if ('const' in schema) return schema['const'];
  if ('default' in schema) return schema['default'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0] as unknown;
  for (const choice of ['anyOf', 'oneOf', 'allOf']) {
    const options = schema[choice];
    if (Array.isArray(options) && options.length > 0) return exampleOf(options[0], depth + 1);
  }
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type) {
    case 'string':
      return 'fox';
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return [exampleOf(schema['items'] ?? {}, depth + 1)];
    default:
      return objectLike(schema, depth);
  }
}

function objectLike(schema: Record<string, unknown>, depth: number): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, exampleOf(property, depth + 1)]),
  );
}
