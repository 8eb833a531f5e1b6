// Makes libs/config/src/model-map/model-map.tsv anew from LiteLLM's price file:
//
//   node scripts/make-model-map.mjs model_prices_and_context_window.json "LiteLLM 1.85.7, 2026-11-21"
//
// Only the providers that Sluice speaks or soon will, only what they are called with, only the facts that are read.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const [file, source] = process.argv.slice(2);
if (file === undefined || source === undefined) {
  process.stderr.write('usage: node scripts/make-model-map.mjs FILE "SOURCE, DATE"\n');
  process.exit(2);
}

const PROVIDERS = new Set(
  `openai text-completion-openai azure azure_text anthropic gemini vertex_ai bedrock mistral codestral deepseek groq xai
  cerebras cohere perplexity together_ai moonshot`.split(/\s+/),
);
const MODES = new Set(['chat', 'completion', 'responses', 'embedding', 'moderation']);
const CAPABILITIES = {
  vision: 'supports_vision',
  tools: 'supports_function_calling',
  json_schema: 'supports_response_schema',
  reasoning: 'supports_reasoning',
  prefill: 'supports_assistant_prefill',
  pdf: 'supports_pdf_input',
  audio: 'supports_audio_input',
  prompt_caching: 'supports_prompt_caching',
};
/** LiteLLM splits one provider by what is sold there. */
const PROVIDER_OF = [
  [/^vertex_ai/, 'vertex_ai'],
  [/^bedrock/, 'bedrock'],
  [/^cohere_chat$/, 'cohere'],
];
/** The same model under its region and commitment: `bedrock/us-east-1/6-month-commitment/…`. */
const BY_REGION = /^bedrock\/.*\/|^azure\/(?:us|eu|global|global-standard)\//;
const ABOVE = /^input_cost_per_token_above_(\d+)k_tokens$/;

const usdPerMillion = (price) => (typeof price === 'number' ? String(Number((price * 1e6).toPrecision(8))) : '');
const count = (tokens) => (Number.isFinite(Number(tokens)) && Number(tokens) > 0 ? String(Number(tokens)) : '');

function rowOf(name, facts) {
  const above = Object.keys(facts).find((key) => ABOVE.test(key));
  const suffix = above?.slice('input_cost_per_token'.length);
  const longPrice = (key) => (suffix === undefined ? '' : usdPerMillion(facts[key + suffix]));
  const abilities = Object.entries(CAPABILITIES).flatMap(([word, key]) =>
    facts[key] === true ? [word] : facts[key] === false ? [`-${word}`] : [],
  );
  const cells = [
    name,
    facts.provider,
    facts.mode,
    count(facts.max_input_tokens ?? (facts.mode === 'embedding' ? facts.max_tokens : undefined)),
    count(facts.max_output_tokens),
    usdPerMillion(facts.input_cost_per_token),
    usdPerMillion(facts.output_cost_per_token),
    usdPerMillion(facts.cache_read_input_token_cost),
    usdPerMillion(facts.cache_creation_input_token_cost),
    usdPerMillion(facts.output_cost_per_reasoning_token),
    suffix === undefined ? '' : String(Number(ABOVE.exec(above)[1]) * 1000),
    longPrice('input_cost_per_token'),
    longPrice('output_cost_per_token'),
    longPrice('cache_read_input_token_cost'),
    longPrice('cache_creation_input_token_cost'),
    abilities.join(' '),
  ];
  return cells.join('\t').trimEnd();
}

const HEADER = `# What models can do and cost: window, longest answer, USD per million tokens.
# Made by scripts/make-model-map.mjs from the price file of ${source}. MIT licence, see NOTICE.
# name	provider	mode	max_input	max_output	input	output	cache_read	cache_write	reasoning	above_tokens	above_input	above_output	above_cache_read	above_cache_write	abilities (-: it cannot)
`;

const prices = JSON.parse(await readFile(file, 'utf8'));
const rows = Object.entries(prices)
  .filter(([name, { mode }]) => name !== 'sample_spec' && MODES.has(mode) && !BY_REGION.test(name))
  .map(([name, facts]) => {
    const [, provider] = PROVIDER_OF.find(([pattern]) => pattern.test(facts.litellm_provider)) ?? [];
    return [name, { ...facts, provider: provider ?? facts.litellm_provider }];
  })
  .filter(([, { provider }]) => PROVIDERS.has(provider))
  .map(([name, facts]) => rowOf(name, facts))
  .toSorted();
const target = join(import.meta.dirname, '../libs/config/src/model-map/model-map.tsv');
await writeFile(target, `${HEADER}${rows.join('\n')}\n`);
process.stdout.write(`${rows.length} models in ${target}\n`);
