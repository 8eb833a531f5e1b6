import { recordOf } from '../provider-error.js';

/** Keywords that Anthropic's structured output does not enforce; told to the model in words instead. Source: WIRE.md 3. */
const TOLD = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'dependentSchemas',
  'if',
  'then',
  'else',
  'not',
]);
/** Members whose values are maps from names to schemas: the names are not keywords. */
const MAPS = new Set(['properties', '$defs', 'definitions', 'patternProperties']);
/** Members whose values are data, not schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'required']);

/** A JSON schema as Anthropic takes it: `oneOf` is `anyOf`, objects are closed, what it cannot enforce is described. */
export function plainSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plainSchema);
  const object = recordOf(schema);
  if (object === undefined) return schema;
  const plain: Record<string, unknown> = {};
  const told: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    if (TOLD.has(key)) told[key] = value;
    else if (MAPS.has(key)) plain[key] = mapValues(recordOf(value) ?? {});
    else if (DATA.has(key)) plain[key] = value;
    else plain[key === 'oneOf' ? 'anyOf' : key] = plainSchema(value);
  }
  if (object['type'] === 'object' || object['properties'] !== undefined) plain['additionalProperties'] = false;
  if (Object.keys(told).length > 0) {
    const words = Object.entries(told).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    const before = typeof object['description'] === 'string' ? `${object['description']} ` : '';
    plain['description'] = `${before}(${words.join(', ')})`;
  }
  return plain;
}

const mapValues = (map: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, plainSchema(schema)]));
