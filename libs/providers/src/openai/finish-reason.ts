import type { Finish } from '../adapter.js';

const REASONS: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

/** What an OpenAI-like provider wrote, in OpenAI's words; an unknown one is a stop. `error` is not a finish: see the reader. */
export const finishOf = (choice: number, native: string): Finish => ({
  choice,
  reason: REASONS[native] ?? 'stop',
  native,
});

/** Clients type finish_reason by its literals, so other words may not pass through. */
export const isKnownReason = (native: string): boolean => Object.hasOwn(REASONS, native);
