import { nearestNames, type Deployment } from '@sluice/core';
import { providerOfKnownModel } from '../model-map/model-map.js';

export type ProviderOfModel =
  | { readonly kind: 'known'; readonly provider: Deployment['provider']; readonly model: string }
  /** What is wrong, as the end of a sentence, and what to do. */
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

const SUPPORTED: readonly Deployment['provider'][] = ['openai', 'azure', 'anthropic'];

/** Providers that LiteLLM names and this version has no adapter for. From the design's compatible-providers.json, and the big ones. */
const NOT_YET = new Set(
  `aiohttp_openai text-completion-openai openai_like custom_openai litellm_proxy groq mistral codestral deepseek xai
  perplexity together_ai fireworks_ai openrouter deepinfra cerebras sambanova nvidia_nim baseten cohere cohere_chat ai21
  ai21_chat meta_llama meta huggingface github cloudflare databricks snowflake bedrock_mantle azure_ai amazon_nova
  dashscope qwencloud qwen_ai_platform modelscope moonshot zai bigmodel minimax volcengine tencent xiaomi_mimo streamlake
  sarvam scx-ai neosantara scaleway ovhcloud nebius nscale compactifai cortecs maritalk publicai hostinger_router novita
  hyperbolic lambda_ai featherless_ai friendliai gmi chutes crusoe parasail tensormesh wandb gradient_ai heroku datarobot
  empower galadriel anyscale synthetic llamagate libertai darkbloom charity_engine zerogpu aiand pinstripes prism
  openinfer inferenceapis coralbricks empiriolabs inception morph reka cognition v0 sail abliteration refuseless
  vercel_ai_gateway helicone aiml edenai aihubmix cometapi nano-gpt poe veniceai apertis assemblyai kyma nadir
  clf_ai_gateway opencode_go hosted_vllm lm_studio llamafile xinference lemonade docker_model_runner oobabooga infinity
  voyage jina_ai bedrock bedrock_converse sagemaker sagemaker_chat vertex_ai vertex_ai_beta gemini palm ollama ollama_chat
  azure_text anthropic_text replicate watsonx watsonx_text predibase petals nlp_cloud aleph_alpha vllm triton clarifai
  github_copilot text-completion-codestral fal_ai elevenlabs deepgram recraft topaz custom auto_router sluice`.split(
    /\s+/,
  ),
);

/**
 * Who serves a `litellm_params.model`: `provider/name`, else for a bare name what the model map says, or how such
 * names begin, for models that came after it.
 * @param custom `custom_llm_provider`: wins over the prefix
 */
export function providerOfModel(model: string, custom: string | undefined): ProviderOfModel {
  if (custom !== undefined) {
    const model_ = model.startsWith(`${custom}/`) ? model.slice(custom.length + 1) : model;
    return known(custom, model_) ?? refusal(custom, `the provider "${custom}"`);
  }
  const slash = model.indexOf('/');
  if (slash < 0) {
    const inMap = providerOfKnownModel(model);
    const provider = supported(inMap) ?? providerOfBareName(model);
    if (provider !== undefined) return { kind: 'known', provider, model };
    if (inMap !== undefined) return refusal(inMap, `a model of the provider "${inMap}"`);
    return {
      kind: 'refused',
      reason: `names no provider, and the model map does not know "${model}"`,
      advice: `write the provider before it: openai/${model} for OpenAI or a compatible server, azure/${model}, anthropic/${model}`,
    };
  }
  const prefix = model.slice(0, slash);
  return known(prefix, model.slice(slash + 1)) ?? refusal(prefix, `the provider "${prefix}"`);
}

function providerOfBareName(model: string): Deployment['provider'] | undefined {
  if (/^(?:gpt|chatgpt|o[1-9]|ft:gpt)/.test(model)) return 'openai';
  return model.startsWith('claude') ? 'anthropic' : undefined;
}

const supported = (name: string | undefined): Deployment['provider'] | undefined =>
  SUPPORTED.find((provider) => provider === name);

function known(name: string, model: string): ProviderOfModel | undefined {
  const provider = supported(name);
  if (provider === undefined) return undefined;
  if (model !== '') return { kind: 'known', provider, model };
  return { kind: 'refused', reason: `names no model after "${name}/"`, advice: '' };
}

function refusal(name: string, subject: string): ProviderOfModel {
  if (NOT_YET.has(name)) {
    return {
      kind: 'refused',
      reason: `names ${subject}, which is not yet supported in this version`,
      advice: 'supported are openai/ (with any api_base), azure/ and anthropic/',
    };
  }
  const near = nearestNames(name, [...SUPPORTED, ...NOT_YET], 3, 3);
  return {
    kind: 'refused',
    reason: `names ${subject}, which is unknown${near.length === 0 ? '' : `: did you mean ${near.join(' or ')}?`}`,
    advice: 'for an OpenAI-compatible server write openai/<model> with its api_base',
  };
}
