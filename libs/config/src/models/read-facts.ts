import { CAPABILITIES, factsOver, type Capability, type Deployment, type ModelFacts, type Prices } from '@sluice/core';
import { baseModelFacts, knownModel } from '../model-map/model-map.js';
import { firstOf, type Section } from '../section.js';

/** LiteLLM's words for the capabilities; all other `supports_*` are only echoed. */
export const SUPPORTS_KEYS: Readonly<Record<Capability, string>> = {
  vision: 'supports_vision',
  tools: 'supports_function_calling',
  json_schema: 'supports_response_schema',
  reasoning: 'supports_reasoning',
  prefill: 'supports_assistant_prefill',
  pdf: 'supports_pdf_input',
  audio: 'supports_audio_input',
  prompt_caching: 'supports_prompt_caching',
};

/** What a deployment's model can do and costs: as written in its entry, else as the model map has it. */
export function readFacts(
  { provider, fullModel, baseModel }: Pick<Deployment, 'provider' | 'fullModel' | 'baseModel'>,
  params: Section,
  info: Section | undefined,
): ModelFacts {
  const known = baseModel === undefined ? knownModel(fullModel) : baseModelFacts(baseModel, provider);
  return factsOver(
    {
      limits: {
        maxInputTokens: info?.wholeNumber('max_input_tokens', 1),
        maxOutputTokens: info && firstOf([[info, 'max_output_tokens'] as const, [info, 'max_tokens'] as const], tokens),
      },
      prices: readPrices(params, info, known?.prices),
      supports: readSupports(info),
    },
    known,
  );
}

const tokens = (section: Section, key: string): number | undefined => section.wholeNumber(key, 1);

function readSupports(info: Section | undefined): ModelFacts['supports'] {
  const supports: Partial<Record<Capability, boolean>> = {};
  for (const capability of CAPABILITIES) {
    const said = info?.flag(SUPPORTS_KEYS[capability]);
    if (said !== undefined) supports[capability] = said;
  }
  return supports;
}

/**
 * USD per token as written. A price of one's own for input or output is a price list of one's own: what the map says of
 * caches and long prompts does not go with it.
 */
function readPrices(params: Section, info: Section | undefined, known: Prices | undefined): Prices | undefined {
  const price = (key: string): number | undefined => {
    const usd = firstOf([[params, key] as const, [info, key] as const], (section) => section.number(key));
    return usd === undefined ? undefined : Number((usd * 1e6).toPrecision(12));
  };
  const input = price('input_cost_per_token');
  const output = price('output_cost_per_token');
  const cacheRead = price('cache_read_input_token_cost');
  const cacheWrite = price('cache_creation_input_token_cost');
  const reasoning = price('output_cost_per_reasoning_token');
  const above = {
    input: price('input_cost_per_token_above_200k_tokens'),
    output: price('output_cost_per_token_above_200k_tokens'),
    cacheRead: price('cache_read_input_token_cost_above_200k_tokens'),
    cacheWrite: price('cache_creation_input_token_cost_above_200k_tokens'),
  };
  const written = [input, output, cacheRead, cacheWrite, reasoning, ...Object.values(above)];
  if (written.every((usd) => usd === undefined)) return undefined;
  const base = input === undefined && output === undefined ? known : undefined;
  const usual = { input: input ?? known?.input ?? 0, output: output ?? known?.output ?? 0 };
  const isLongWritten = Object.values(above).some((usd) => usd !== undefined);
  const own = { cacheRead: cacheRead ?? base?.cacheRead, cacheWrite: cacheWrite ?? base?.cacheWrite };
  return {
    ...usual,
    ...own,
    reasoning: reasoning ?? base?.reasoning,
    above: isLongWritten
      ? {
          tokens: 200_000,
          input: above.input ?? usual.input,
          output: above.output ?? usual.output,
          cacheRead: above.cacheRead ?? own.cacheRead,
          cacheWrite: above.cacheWrite ?? own.cacheWrite,
        }
      : base?.above,
  };
}
