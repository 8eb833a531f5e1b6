/** Tokens as all formats have them; `prompt` includes what came from or went to a cache. */
export interface TokenUsage {
  prompt: number;
  completion: number;
  cached: number;
  cacheWrite: number;
  reasoning: number;
}

/** `usage` as OpenAI writes it: one form for answers and for the last chunk of a stream. */
export function usageBody({ prompt, completion, cached, cacheWrite, reasoning }: TokenUsage): Record<string, unknown> {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, ...(cacheWrite > 0 ? { cache_write_tokens: cacheWrite } : {}) },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
