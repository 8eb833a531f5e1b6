import type { Finish, Usage } from '../adapter.js';
import { recordOf } from '../provider-error.js';

const REASONS = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

/** Why Claude stopped, in OpenAI's words; an unknown reason is a stop. Source: WIRE.md 4. */
export const finishOfStop = (native: string): Finish => ({ choice: 0, reason: REASONS.get(native) ?? 'stop', native });

/** Counts so far, as Anthropic writes them: later ones replace earlier ones, member by member. */
export type AnthropicUsage = Readonly<Record<string, unknown>>;

export function mergedUsage(before: AnthropicUsage | undefined, value: unknown): AnthropicUsage | undefined {
  const usage = recordOf(value);
  if (usage === undefined) return before;
  const merged: Record<string, unknown> = { ...before };
  for (const key in usage) if (usage[key] !== null) merged[key] = usage[key];
  return merged;
}

/** Anthropic counts cached input beside `input_tokens`; OpenAI within the prompt. */
export function usageOf(usage: AnthropicUsage | undefined): Usage | undefined {
  if (typeof usage?.['input_tokens'] !== 'number' && typeof usage?.['output_tokens'] !== 'number') return undefined;
  const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);
  const cached = count(usage['cache_read_input_tokens']);
  const cacheWrite = count(usage['cache_creation_input_tokens']);
  return {
    prompt: count(usage['input_tokens']) + cached + cacheWrite,
    completion: count(usage['output_tokens']),
    cached,
    cacheWrite,
    reasoning: count(recordOf(usage['output_tokens_details'])?.['thinking_tokens']),
    estimated: false,
  };
}
