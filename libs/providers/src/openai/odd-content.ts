import type { Changes } from '@sluice/core';
import { recordOf } from '../provider-error.js';

/**
 * What some compatible servers write into a message or delta instead of OpenAI's members: content as an array of parts
 * (Mistral: text and thinking), reasoning as a string `reasoning`. Returns the changes that make it `content` and
 * `reasoning_content`; undefined when nothing is odd, the usual case. Source: WIRE.md 5.
 */
export function oddContentChanges(message: Readonly<Record<string, unknown>>): Changes | undefined {
  const { content, reasoning } = message;
  const hasParts = Array.isArray(content);
  const hasReasoning = typeof reasoning === 'string' && message['reasoning_content'] === undefined;
  if (!hasParts && !hasReasoning) return undefined;
  const changes = new Map<string, { value: string } | 'remove'>();
  let thought = '';
  if (hasParts) {
    let text = '';
    for (const part of content) {
      const each = recordOf(part);
      if (each?.['type'] === 'thinking') thought += textOfParts(each['thinking']);
      else text += textOfParts(part);
    }
    changes.set('content', { value: JSON.stringify(text) });
  }
  if (hasReasoning) {
    thought += reasoning;
    changes.set('reasoning', 'remove');
  }
  if (thought !== '') changes.set('reasoning_content', { value: JSON.stringify(thought) });
  return changes;
}

function textOfParts(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOfParts).join('');
  const text = recordOf(value)?.['text'];
  return typeof text === 'string' ? text : '';
}
