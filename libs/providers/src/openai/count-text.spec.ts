import { describe, expect, it } from '@jest/globals';
import { deploymentOf } from '../test-calls.js';
import { countTextOf } from './count-text.js';

const of = (model: string, own: Parameters<typeof deploymentOf>[1] = {}) =>
  countTextOf(deploymentOf({}, { model, ...own }));

describe('countTextOf', () => {
  it.each([
    ['gpt-4o', 'Hello, world! Grüße aus Köln.', 8],
    ['gpt-4o-mini-2024-07-18', '<|endoftext|>', 7],
    ['gpt-4', 'Hello, world! Grüße aus Köln.', 10],
    ['gpt-4', '', 0],
  ])('%s counts %j', (model, text, tokens) => {
    expect(of(model)!(text)).toBe(tokens);
  });

  it('knows a deployment by what it really is', () => {
    const azure = of('my-deployment', { provider: 'azure', baseModel: 'azure/gpt-4o' })!;
    expect(azure('Grüße aus Köln')).toBe(of('gpt-4o')!('Grüße aus Köln'));
  });

  it.each([
    ['llama-3-70b', {}],
    ['claude-sonnet-4-5', { provider: 'anthropic' as const }],
    ['gpt-4o', { provider: 'anthropic' as const }],
  ])('does not know the tokenizer of %s %j', (model, own) => {
    expect(of(model, own)).toBeUndefined();
  });

  it('cuts what the tokenizer would take square time over', () => {
    expect(of('gpt-4o')!('a'.repeat(200_000))).toBe(25_000);
    expect(of('gpt-4o')!(`${' '.repeat(5_000)}x`)).toBeGreaterThan(5);
  });
});
