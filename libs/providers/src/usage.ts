import type { Call, Usage } from './adapter.js';
import { recordOf } from './provider-error.js';

const CHARS_PER_TOKEN = 4;

const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.round(value) : 0);

/** OpenAI's usage and its relatives; undefined when there is none. Source: WIRE.md 4. */
export function openaiUsage(value: unknown): Usage | undefined {
  const usage = recordOf(value);
  if (usage === undefined || typeof usage['prompt_tokens'] !== 'number') return undefined;
  const promptDetails = recordOf(usage['prompt_tokens_details']);
  const prompt = count(usage['prompt_tokens']);
  const completion = count(usage['completion_tokens']);
  const reasoning = count(recordOf(usage['completion_tokens_details'])?.['reasoning_tokens']);
  // xAI counts reasoning beside the completion; the total tells.
  const isBeside = reasoning > 0 && usage['total_tokens'] === prompt + completion + reasoning;
  return {
    prompt,
    completion: isBeside ? completion + reasoning : completion,
    cached: count(promptDetails?.['cached_tokens'] ?? usage['prompt_cache_hit_tokens'] ?? usage['cached_tokens']),
    cacheWrite: count(promptDetails?.['cache_write_tokens']),
    reasoning,
    estimated: false,
  };
}

/** For providers that say nothing: four characters a token. Only text counts: an image's bytes say nothing of its price. */
export function estimatedUsage(call: Call, completionChars: number): Usage {
  let promptChars = 0;
  for (const message of call.body.messages) {
    const content = message['content'];
    if (typeof content === 'string') promptChars += content.length;
    else if (Array.isArray(content)) {
      for (const part of content) {
        const text: unknown = recordOf(part)?.['text'];
        if (typeof text === 'string') promptChars += text.length;
      }
    }
  }
  return {
    prompt: Math.ceil(promptChars / CHARS_PER_TOKEN),
    completion: Math.ceil(completionChars / CHARS_PER_TOKEN),
    cached: 0,
    cacheWrite: 0,
    reasoning: 0,
    estimated: true,
  };
}
