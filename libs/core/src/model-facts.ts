/** What is known of a model: from the model map, from `model_info` and `litellm_params`, which win. */
export interface ModelFacts {
  readonly limits: ModelLimits;
  /** Absent: unknown, which is not free. */
  readonly prices: Prices | undefined;
  readonly supports: Supports;
}

/** In tokens; absent: unknown. */
export interface ModelLimits {
  readonly maxInputTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** USD per million tokens, which is the same as USD micros per token. */
export interface Prices extends TokenPrices {
  /** Of what a model thinks before it answers; absent: as `output`. */
  readonly reasoning: number | undefined;
  /** For the whole call, when its prompt is longer than so many tokens. */
  readonly above: (TokenPrices & { readonly tokens: number }) | undefined;
}

export interface TokenPrices {
  readonly input: number;
  readonly output: number;
  /** Of prompt tokens read from the provider's cache; absent: as `input`. */
  readonly cacheRead: number | undefined;
  /** Of prompt tokens written to it; absent: as `input`. */
  readonly cacheWrite: number | undefined;
}

export const CAPABILITIES = [
  'vision',
  'tools',
  'json_schema',
  'reasoning',
  'prefill',
  'pdf',
  'audio',
  'prompt_caching',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Absent: nobody says. `false` is only what somebody wrote. */
export type Supports = Readonly<Partial<Record<Capability, boolean>>>;

export const NO_FACTS: ModelFacts = {
  limits: { maxInputTokens: undefined, maxOutputTokens: undefined },
  prices: undefined,
  supports: {},
};

/** What is written beats what is known; written prices as a whole, as the others belong to another price list. */
export function factsOver(written: ModelFacts, known: ModelFacts = NO_FACTS): ModelFacts {
  return {
    limits: {
      maxInputTokens: written.limits.maxInputTokens ?? known.limits.maxInputTokens,
      maxOutputTokens: written.limits.maxOutputTokens ?? known.limits.maxOutputTokens,
    },
    prices: written.prices ?? known.prices,
    supports: { ...known.supports, ...written.supports },
  };
}
