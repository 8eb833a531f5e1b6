import { describe, expect, it } from '@jest/globals';
import type { ModelTable } from './deployment.js';
import { deployment } from './dispatch/test-routing.js';
import { listedModels } from './listed-models.js';

const KNOWN = ['openai/gpt-4o', 'openai/o3-mini', 'anthropic/claude-x', 'azure/gpt-4o'];

function listed(groups: Record<string, string>, own: Partial<ModelTable> = {}): string[] {
  const named = Object.entries(groups).map(([name, fullModel]) => ({
    name,
    deployments: [deployment('d', { fullModel })],
    entries: undefined,
  }));
  const models = { groups: new Map(named.map((g) => [g.name, g])), aliases: new Map(), deployments: new Map(), ...own };
  return listedModels(models, () => KNOWN);
}

describe('the list of models', () => {
  it('has patterns as the models that they stand for', () => {
    expect(listed({ 'openai/*': 'openai/*' })).toEqual(['openai/gpt-4o', 'openai/o3-mini']);
    expect(listed({ 'my-*': 'openai/*' })).toEqual(['my-gpt-4o', 'my-o3-mini']);
    expect(listed({ '*': 'openai/gpt*' })).toEqual(['-4o']);
    expect(listed({ '*': 'anthropic/*' })).toEqual(['claude-x']);
  });

  it('has a pattern as it is when nobody knows what it stands for', () => {
    expect(listed({ 'mine-*': 'openai/gpt-4o', 'a*b*': 'openai/*' })).toEqual(['a*b*', 'mine-*']);
  });

  it('has groups, routers and aliases, without the hidden ones (L16)', () => {
    const aliases = new Map([
      ['b', { group: 'g', hidden: false }],
      ['c', { group: 'g', hidden: true }],
    ]);
    const routers = new Map([['auto', { name: 'auto', rules: [], default: 'g' }]]);
    expect(listed({ g: 'openai/gpt-4o' }, { aliases, routers })).toEqual(['auto', 'b', 'g']);
  });
});
