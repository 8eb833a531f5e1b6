import { recordOf } from '../record-of.js';

/** Annotations of a chat message, which nest what they say under the name of their type. */
export const annotationsOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.flatMap(flat) : [];

function flat(value: unknown): Record<string, unknown>[] {
  const annotation = recordOf(value);
  const type = annotation?.['type'];
  if (typeof type !== 'string') return [];
  return [{ type, ...(recordOf(annotation![type]) ?? annotation) }];
}
