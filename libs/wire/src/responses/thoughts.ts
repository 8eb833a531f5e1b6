import { recordOf } from '../record-of.js';

/**
 * A provider's signed thoughts (`thinking_blocks` of a chat message) as `encrypted_content` of a reasoning item, so that a
 * client that sends the item back sends them back too: base64 of their JSON.
 */
export const packThoughts = (thoughts: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(thoughts)).toString('base64');

/** Undefined for content of other makers: it means nothing to any model here. */
export function unpackThoughts(packed: unknown): readonly unknown[] | undefined {
  if (typeof packed !== 'string') return undefined;
  try {
    const thoughts: unknown = JSON.parse(Buffer.from(packed, 'base64').toString('utf8'));
    return Array.isArray(thoughts) && thoughts.every((each) => recordOf(each) !== undefined) ? thoughts : undefined;
  } catch {
    return undefined;
  }
}
