import { describe, expect, it } from '@jest/globals';
import { baseModelFacts, knownChatModels, knownModel, providerOfKnownModel, readModelMap } from './model-map.js';

describe('the model map', () => {
  it('knows window, prices in USD per million tokens, and abilities', () => {
    expect(knownModel('openai/gpt-4o')).toMatchObject({
      mode: 'chat',
      limits: { maxInputTokens: 128_000, maxOutputTokens: 16_384 },
      prices: { input: 2.5, output: 10, cacheRead: 1.25, cacheWrite: undefined, above: undefined },
      supports: { vision: true, tools: true, json_schema: true },
    });
  });

  it('knows what a long prompt costs', () => {
    expect(knownModel('anthropic/claude-sonnet-4-5')?.prices).toMatchObject({
      input: 3,
      above: { tokens: 200_000, input: 6, output: 22.5, cacheRead: 0.6, cacheWrite: 7.5 },
    });
  });

  it('tells "it cannot" from "nobody says"', () => {
    expect(knownModel('groq/llama-3.3-70b-versatile')?.supports).toEqual({ tools: true, json_schema: false });
  });

  it.each([
    ['gpt-4o', 'openai'],
    ['claude-sonnet-4-5', 'anthropic'],
    ['text-embedding-3-small', 'openai'],
    ['gemini-2.5-pro', 'vertex_ai'],
    ['llama-3.3-70b-versatile', undefined], // LiteLLM wants groq/ before it
  ])('says of the bare name %s: %s', (name, provider) => {
    expect(providerOfKnownModel(name)).toBe(provider);
  });

  it.each([
    ['gpt-4o', 'azure', 'azure/gpt-4o'],
    ['azure/gpt-4o', 'azure', 'azure/gpt-4o'],
    ['claude-sonnet-4-5', 'openai', 'claude-sonnet-4-5'],
    ['no-such-model', 'openai', undefined],
  ])('takes the base model %s of %s for %s', (baseModel, provider, name) => {
    expect(baseModelFacts(baseModel, provider)?.name).toBe(name);
  });

  it('holds numbers that make sense, and every provider of this version', () => {
    const models = knownChatModels();
    for (const { limits, prices } of models.map((name) => knownModel(name)!)) {
      for (const tokens of [limits.maxInputTokens, limits.maxOutputTokens]) {
        expect(tokens === undefined || (Number.isSafeInteger(tokens) && tokens > 0)).toBe(true);
      }
      for (const price of [prices?.input, prices?.output, prices?.above?.input]) {
        expect(price === undefined || (price >= 0 && price < 10_000)).toBe(true);
      }
    }
    expect(models.length).toBeGreaterThan(500);
    const providers = new Set(models.map((name) => knownModel(name)!.provider));
    expect(['openai', 'azure', 'anthropic'].filter((provider) => !providers.has(provider))).toEqual([]);
  });

  it('reads a model without a price as one whose price is unknown', () => {
    const { byFullModel } = readModelMap('# head\nx/m\tx\tchat\t100\n');
    expect(byFullModel.get('x/m')).toMatchObject({ limits: { maxInputTokens: 100 }, prices: undefined, supports: {} });
  });
});
