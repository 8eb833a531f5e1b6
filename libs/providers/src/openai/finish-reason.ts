import type { Finish } from '../adapter.js';

/** A map: of an object, `constructor` would be a member. */
const REASONS = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

/** What an OpenAI-like provider wrote, in OpenAI's words; an unknown one is a stop. `error` is not a finish: see the reader. */
export const finishOf = (choice: number, native: string): Finish => ({
  choice,
  reason: REASONS.get(native) ?? 'stop',
  native,
});

/** Clients type finish_reason by its literals, so other words may not pass through. */
export const isKnownReason = (native: string): boolean => REASONS.has(native);
