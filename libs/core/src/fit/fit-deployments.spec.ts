import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Deployment } from '../deployment.js';
import { deployment, group } from '../dispatch/test-routing.js';
import type { Capability } from '../model-facts.js';
import { groupMisfit, misfitsOf, type CallTraits, type Misfit } from './fit-deployments.js';

const windowOf = (maxInputTokens: number | undefined): Partial<Deployment> => ({
  limits: { maxInputTokens, maxOutputTokens: undefined },
});
const POLICY = { enablePreCallChecks: true, tagFiltering: undefined };

function call(own: Partial<CallTraits> & { tokens?: number; asks?: Capability[] } = {}): CallTraits {
  const { tokens = 10, asks = [], ...rest } = own;
  const needs = () => ({ inputTokens: tokens, capabilities: new Set(asks) });
  return { tags: [], region: undefined, bodyBytes: tokens * 4, needs, countTokens: () => undefined, ...rest };
}

describe('the context window (L57)', () => {
  const sizes = group('g', [
    deployment('small', windowOf(1_000)),
    deployment('large', windowOf(10_000)),
    deployment('unknown'),
  ]);

  it.each<[number, string]>([
    [200, 'small large unknown'], // no prompt has more tokens than bytes
    [860, 'small large unknown'],
    [900, 'large unknown'], // near the limit: the larger window is sure
    [2_000, 'large unknown'],
    [20_000, 'unknown'],
  ])('a prompt of %d tokens goes to %s', (tokens, expected) => {
    const misfits = misfitsOf(sizes, call({ tokens }), POLICY);
    expect(sizes.deployments.filter(({ id }) => !misfits.has(id)).map(({ id }) => id)).toEqual(expected.split(' '));
  });

  it('near the limit of the only one is left to the provider', () => {
    const lone = group('g', [deployment('a', windowOf(1_000))]);
    expect(misfitsOf(lone, call({ tokens: 1_100 }), POLICY).size).toBe(0);
    expect(misfitsOf(lone, call({ tokens: 1_200 }), POLICY).get('a')).toEqual({
      reason: 'context_window',
      tokens: 1_200,
      windowTokens: 1_000,
    });
  });

  it('near the limit is counted where the tokenizer is known', () => {
    const lone = group('g', [deployment('a', windowOf(1_000))]);
    const counted = (tokens: number): ReadonlyMap<string, Misfit> =>
      misfitsOf(lone, call({ tokens: 1_100, countTokens: () => tokens }), POLICY);
    expect(counted(1_000).size).toBe(0);
    expect(counted(1_001).get('a')).toEqual({ reason: 'context_window', tokens: 1_001, windowTokens: 1_000 });
  });

  it.each([800, 1_200])('far from the limit is not counted (%d tokens)', (tokens) => {
    const lone = group('g', [deployment('a', windowOf(1_000))]);
    const countTokens = (): never => {
      throw new Error('was counted');
    };
    expect(misfitsOf(lone, call({ tokens, countTokens }), POLICY).size).toBe(tokens === 800 ? 0 : 1);
  });

  it('is not looked at where enable_pre_call_checks is off', () => {
    expect(misfitsOf(sizes, call({ tokens: 20_000 }), { ...POLICY, enablePreCallChecks: false }).size).toBe(0);
  });

  it('costs a short call no look into its body', () => {
    const needs = (): never => {
      throw new Error('was read');
    };
    expect(misfitsOf(sizes, call({ bodyBytes: 999, needs }), POLICY).size).toBe(0);
  });
});

describe('abilities', () => {
  const mixed = group('g', [
    deployment('sees', { supports: { vision: true, tools: true } }),
    deployment('cannot', { supports: { vision: false, tools: true } }),
    deployment('unsaid', { supports: { tools: true } }),
    deployment('unknown'),
  ]);

  it('leave out who is said to lack one, and who is silent on it where others are not', () => {
    const misfits = misfitsOf(mixed, call({ asks: ['vision'] }), POLICY);
    expect([...misfits.keys()]).toEqual(['cannot', 'unsaid']);
    expect(misfits.get('cannot')).toEqual({ reason: 'capability', capability: 'vision' });
    expect(misfitsOf(mixed, call({ asks: ['tools'] }), POLICY).size).toBe(0);
  });

  it('leave nobody out for silence alone', () => {
    const silent = group('g', [deployment('a', { supports: { tools: true } }), deployment('b')]);
    expect(misfitsOf(silent, call({ asks: ['vision'] }), POLICY).size).toBe(0);
  });
});

describe('regions (L56)', () => {
  it('leave out other regions, and who does not say', () => {
    const regions = group('g', [
      deployment('eu', { region: 'eu' }),
      deployment('us', { region: 'us' }),
      deployment('none'),
    ]);
    expect([...misfitsOf(regions, call({ region: 'eu' }), POLICY).keys()]).toEqual(['us', 'none']);
  });
});

describe('why nobody of a group fits', () => {
  const members = [deployment('a'), deployment('b'), deployment('off', { disabled: 'no key' })];
  it('is nothing while one fits', () => {
    expect(groupMisfit(members, new Map([['a', { reason: 'tag' as const }]]))).toBeUndefined();
  });

  it('is the window where that is one of the reasons: a fallback may have a larger one', () => {
    const window = { reason: 'context_window', tokens: 2, windowTokens: 1 } as const;
    const misfits = new Map<string, Misfit>([
      ['a', { reason: 'region' }],
      ['b', window],
    ]);
    expect(groupMisfit(members, misfits)).toEqual(window);
    const wider = { reason: 'context_window', tokens: 20, windowTokens: 10 } as const;
    expect(groupMisfit(members, new Map<string, Misfit>([...misfits, ['a', wider]]))).toEqual(wider);
  });
});

describe('any group and call', () => {
  it('leave out nobody when nothing is asked and the prompt is short', () => {
    const member = fc.record({
      limits: fc.record({
        maxInputTokens: fc.option(fc.nat(1_000), { nil: undefined }),
        maxOutputTokens: fc.constant(1),
      }),
      supports: fc.dictionary(fc.constantFrom('vision', 'tools'), fc.boolean()),
    });
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), fc.nat(3_000), (members, tokens) => {
        const any = group(
          'g',
          members.map((own, i) => deployment(String(i), own as Partial<Deployment>)),
        );
        const misfits = misfitsOf(any, call({ tokens }), POLICY);
        const share = ({ limits }: Deployment): number => tokens / (limits.maxInputTokens ?? Infinity);
        const reasons = (of: Deployment[]): unknown[] => of.map(({ id }) => misfits.get(id)?.reason);
        const short = any.deployments.filter((d) => share(d) <= 1 / 1.16);
        const long = any.deployments.filter((d) => share(d) > 1.16);
        expect(reasons(short)).toEqual(short.map(() => undefined));
        expect(reasons(long)).toEqual(long.map(() => 'context_window'));
      }),
    );
  });
});
