import { objectOf, type Json } from './read-block.js';

/** Why a chat model stopped, in Anthropic's words; `native` is Anthropic's own word where it gave the answer. */
export function stopReasonOf(finish: unknown, native: unknown): string {
  if (typeof native === 'string' && NATIVE.has(native)) return native;
  return REASONS.get(finish) ?? 'end_turn';
}

const REASONS = new Map<unknown, string>([
  ['stop', 'end_turn'],
  ['length', 'max_tokens'],
  ['tool_calls', 'tool_use'],
  ['function_call', 'tool_use'],
  ['content_filter', 'refusal'],
]);
const NATIVE = new Set([
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
]);

/** Anthropic counts what was cached beside `input_tokens`, OpenAI within the prompt. */
export function messageUsage(value: unknown): Json {
  const usage = objectOf(value);
  const details = objectOf(usage?.['prompt_tokens_details']);
  const cached = countOf(details?.['cached_tokens']);
  const written = countOf(details?.['cache_write_tokens']);
  return {
    input_tokens: Math.max(0, countOf(usage?.['prompt_tokens']) - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: countOf(usage?.['completion_tokens']),
  };
}

const countOf = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

/** The arguments of a tool as JSON text of an object: as they were written, if they are one. */
export function inputText(args: unknown): string {
  if (typeof args !== 'string' || args.trim() === '') return '{}';
  try {
    return objectOf(JSON.parse(args)) === undefined ? `{"input":${args}}` : args;
  } catch {
    return JSON.stringify({ input: args });
  }
}

/** `msg_X` is the answer of `job_X`, always. */
export const messageId = (jobId: string): string => `msg_${jobId.slice(4)}`;
