import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Deployment, ModelGroup } from '../deployment.js';
import { orderCandidates } from './order-candidates.js';
import { weightsOf } from './strategies/simple-shuffle.js';
import { choice, deployment, dice, group } from './test-routing.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const DRAWS = 10_000;

/** How often each comes first. */
function firsts(of: ModelGroup, eligible: readonly Deployment[] = of.deployments, seed = 7): Record<string, number> {
  const random = dice(seed);
  const counts: Record<string, number> = {};
  for (let i = 0; i < DRAWS; i++) {
    const { id } = orderCandidates(of, eligible, choice(), random)[0]!.deployment;
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

/** Pearson's χ² of the counts against the shares that were meant. */
function chiSquare(counts: Record<string, number>, shares: Record<string, number>): number {
  return Object.entries(shares).reduce((sum, [id, share]) => {
    const expected = share * DRAWS;
    return sum + ((counts[id] ?? 0) - expected) ** 2 / expected;
  }, 0);
}
/** By degrees of freedom, at p = 0.001. */
const CRITICAL = [0, 10.83, 13.82, 16.27];

describe('simple-shuffle', () => {
  it('L48 follows the weights', () => {
    const g = group('g', [
      deployment('a', { weight: 7 }),
      deployment('b', { weight: 2 }),
      deployment('c', { weight: 1 }),
    ]);
    expect(chiSquare(firsts(g), { a: 0.7, b: 0.2, c: 0.1 })).toBeLessThan(CRITICAL[2]!); // L48
  });

  it('L48 gives the same shares among those that are left: weighted failover', () => {
    const g = group('g', [
      deployment('a', { weight: 7 }),
      deployment('b', { weight: 2 }),
      deployment('c', { weight: 1 }),
    ]);
    const random = dice(3);
    const seconds: Record<string, number> = { b: 0, c: 0 };
    let without = 0;
    for (let i = 0; i < 3 * DRAWS && without < DRAWS; i++) {
      const [first, second] = orderCandidates(g, g.deployments, choice(), random);
      if (first!.deployment.id !== 'a') continue;
      seconds[second!.deployment.id]!++;
      without++;
    }
    expect(chiSquare(seconds, { b: 2 / 3, c: 1 / 3 })).toBeLessThan(CRITICAL[1]!);
  });

  it.each<[string, Partial<Deployment>[], number[]]>([
    [
      'weight before rpm',
      [
        { weight: 3, rpm: 1 },
        { weight: 1, rpm: 100 },
      ],
      [3, 1],
    ],
    [
      'L49 rpm before tpm',
      [
        { rpm: 600, tpm: 1 },
        { rpm: 200, tpm: 9 },
      ],
      [600, 200],
    ], // L49
    ['tpm when there is nothing else', [{ tpm: 30 }, { tpm: 10 }], [30, 10]],
    ['one without gets the mean of the others', [{ weight: 3 }, { weight: 1 }, {}], [3, 1, 2]],
    ['equal without any', [{}, {}], [1, 1]],
  ])('%s', (_name, own, expected) => {
    expect(weightsOf(own.map((members, i) => deployment(`d${i}`, members)))).toEqual(expected);
  });

  it('leaves weight 0 for when nobody else can', () => {
    const g = group('g', [deployment('a', { weight: 0 }), deployment('b', { weight: 1 })]);
    expect(firsts(g)).toEqual({ b: DRAWS });
    expect(firsts(g, [g.deployments[0]!])).toEqual({ a: DRAWS });
  });

  it('L54 goes by order tiers first', () => {
    const g = group('g', [
      deployment('late', { order: 2, weight: 1_000 }),
      deployment('early', { order: 1, weight: 1 }),
    ]);
    expect(firsts(g)).toEqual({ early: DRAWS }); // L54
  });
});

describe('a weighted alias', () => {
  const [azure1, azure2] = [deployment('azure-1'), deployment('azure-2')];
  const [openai, spare] = [deployment('openai'), deployment('spare')];
  const split: ModelGroup = {
    name: 'gpt-4o-split',
    deployments: [azure1, azure2, openai, spare],
    entries: [
      { weight: 0.7, deploymentIds: ['azure-1', 'azure-2'] },
      { weight: 0.3, deploymentIds: ['openai'] },
    ],
  };

  it('L17 splits 70 to 30, whatever stands behind an entry', () => {
    const counts = firsts(split); // L17
    const byEntry = { azure: counts['azure-1']! + counts['azure-2']!, openai: counts['openai']! };
    expect(chiSquare(byEntry, { azure: 0.7, openai: 0.3 })).toBeLessThan(CRITICAL[1]!);
    expect(counts['spare']).toBeUndefined();
  });

  it('redraws an entry that has nobody left', () => {
    const counts = firsts(split, [openai, spare]);
    expect(counts).toEqual({ openai: DRAWS });
  });

  it('leaves what stands in no entry for when the entries cannot', () => {
    const random = dice(1);
    for (let i = 0; i < 100; i++) {
      const ordered = orderCandidates(split, split.deployments, choice(), random);
      expect(ordered.at(-1)!.deployment.id).toBe('spare'); // L83
      const others = ordered.slice(0, -1).map((c) => c.tier);
      expect(ordered.at(-1)!.tier).toBeGreaterThan(Math.max(...others));
    }
  });

  it('draws the entry before it looks at orders, which count inside it', () => {
    const tiered: ModelGroup = {
      name: 'split',
      deployments: [deployment('a', { order: 2 }), deployment('b', { order: 3 }), deployment('c', { order: 1 })],
      entries: [
        { weight: 9, deploymentIds: ['a', 'b'] },
        { weight: 1, deploymentIds: ['c'] },
      ],
    };
    expect(chiSquare(firsts(tiered), { a: 0.9, c: 0.1 })).toBeLessThan(CRITICAL[1]!);
  });
});

it('every eligible deployment is offered once, in tiers that never fall', () => {
  const members = fc.array(
    fc.record({ order: fc.constantFrom(1, 1, 2, 5), weight: fc.constantFrom(undefined, 0, 1, 10) }),
    { minLength: 1, maxLength: 6 },
  );
  const entryOf = fc.array(fc.nat(5), { maxLength: 4 });
  fc.assert(
    fc.property(
      members,
      fc.option(fc.array(entryOf, { minLength: 1, maxLength: 3 })),
      fc.nat(),
      (own, entries, seed) => {
        const deployments = own.map((o, i) => deployment(`d${i}`, o));
        const of: ModelGroup = {
          name: 'g',
          deployments,
          entries: entries?.map((ids) => ({ weight: 1, deploymentIds: ids.map((i) => `d${i}`) })),
        };
        const ordered = orderCandidates(of, deployments, choice(), dice(seed));
        expect(ordered.map((c) => c.deployment.id).toSorted()).toEqual(deployments.map((d) => d.id).toSorted());
        const tiers = ordered.map((c) => c.tier);
        expect(tiers).toEqual(tiers.toSorted((a, b) => a - b));
      },
    ),
    RUNS,
  );
});
