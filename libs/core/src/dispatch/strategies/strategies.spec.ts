import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Deployment, LatencyStrategy, Strategy } from '../../deployment.js';
import type { Prices } from '../../model-facts.js';
import type { Choice, Seen } from '../choice.js';
import { explainChoice } from '../explain-choice.js';
import { orderCandidates } from '../order-candidates.js';
import { choice, deployment, dice, group } from '../test-routing.js';

const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 1_000) };
const DRAWS = 10_000;
const LATENCY: LatencyStrategy = { name: 'latency-based-routing', ttlMs: 3_600_000, buffer: 0, samples: 10 };

const seenAs =
  (by: Record<string, Seen>): Choice['seen'] =>
  (id) =>
    by[id];

/** How often each comes first. */
function firsts(members: readonly Deployment[], how: Partial<Choice>, draws = DRAWS): Record<string, number> {
  const random = dice(11);
  const counts: Record<string, number> = {};
  for (let i = 0; i < draws; i++) {
    const { id } = orderCandidates(group('g', members), members, choice(how), random)[0]!.deployment;
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

const orderOf = (members: readonly Deployment[], how: Partial<Choice>, seed = 5): string[] =>
  orderCandidates(group('g', members), members, choice(how), dice(seed)).map((c) => c.deployment.id);

describe('latency-based-routing', () => {
  const [fast, slow, fresh] = [deployment('fast'), deployment('slow'), deployment('fresh')];

  it('L51 prefers the faster, by time per output token, or to the first token of a stream', () => {
    const seen = seenAs({
      fast: { msPerToken: [10, 12], firstTokenMs: [900] },
      slow: { msPerToken: [30], firstTokenMs: [400, 500] },
    });
    expect(firsts([fast, slow], { strategy: LATENCY, seen })).toEqual({ fast: DRAWS });
    expect(firsts([fast, slow], { strategy: LATENCY, seen, stream: true })).toEqual({ slow: DRAWS });
  });

  it('L51 explores: one without samples is asked first by one call in twenty, else last', () => {
    const seen = seenAs({ fast: { msPerToken: [10] }, slow: { msPerToken: [11] } });
    const counts = firsts([fast, slow, fresh], { strategy: LATENCY, seen });
    expect(Object.keys(counts).toSorted()).toEqual(['fast', 'fresh']);
    expect(counts['fresh']! / DRAWS).toBeGreaterThan(0.04);
    expect(counts['fresh']! / DRAWS).toBeLessThan(0.06);
  });

  it('deals evenly while nothing is known', () => {
    const counts = firsts([fast, slow], { strategy: LATENCY });
    expect(counts['fast']! / DRAWS).toBeCloseTo(0.5, 1);
  });

  it('takes those within the buffer for equals', () => {
    const seen = seenAs({ fast: { msPerToken: [10] }, slow: { msPerToken: [14] }, fresh: { msPerToken: [16] } });
    const counts = firsts([fast, slow, fresh], { strategy: { ...LATENCY, buffer: 0.5 }, seen });
    expect(Object.keys(counts).toSorted()).toEqual(['fast', 'slow']);
    expect(counts['slow']! / DRAWS).toBeCloseTo(0.5, 1);
  });

  it('looks for the lowest inside a tier', () => {
    const members = [deployment('a1'), deployment('a2'), deployment('z', { order: 2 })];
    const seen = seenAs({ a1: { msPerToken: [50] }, a2: { msPerToken: [40] }, z: { msPerToken: [1] } });
    expect(orderOf(members, { strategy: LATENCY, seen })).toEqual(['a2', 'a1', 'z']);
  });
});

describe('cost-based-routing', () => {
  const prices = (input: number, output: number): Prices => ({
    input,
    output,
    cacheRead: undefined,
    cacheWrite: undefined,
    reasoning: undefined,
    above: undefined,
  });
  const byCost: Strategy = { name: 'cost-based-routing' };
  const cheapIn = deployment('cheap-in', { prices: prices(1, 10) });
  const cheapOut = deployment('cheap-out', { prices: prices(3, 2) });
  const unknown = deployment('unknown');

  it('L52 the cheapest for this very call first, an unknown price last', () => {
    const members = [unknown, cheapOut, cheapIn];
    const long = { strategy: byCost, inputTokens: 10_000, outputTokens: 100 };
    const talkative = { strategy: byCost, inputTokens: 100, outputTokens: 4_000 };
    expect(orderOf(members, long)).toEqual(['cheap-in', 'cheap-out', 'unknown']);
    expect(orderOf(members, talkative)).toEqual(['cheap-out', 'cheap-in', 'unknown']);
  });

  it('L52 shuffles equal prices, and those of which no price is known', () => {
    const same = [cheapIn, deployment('same', { prices: prices(1, 10) }), unknown];
    expect(firsts(same, { strategy: byCost })['same']! / DRAWS).toBeCloseTo(0.5, 1);
    expect(firsts([unknown, deployment('other')], { strategy: byCost })['other']! / DRAWS).toBeCloseTo(0.5, 1);
  });

  it('keeps to the cheapest for a session as well', () => {
    for (const stickTo of ['00000000', '89abcdef', 'ffffffff'])
      expect(orderOf([cheapOut, cheapIn], { strategy: byCost, stickTo, inputTokens: 9_999 })[0]).toBe('cheap-in');
  });
});

describe('least-busy and usage-based-routing, where no script decides', () => {
  const members = [deployment('a', { tpm: 1_000 }), deployment('b', { tpm: 10_000 }), deployment('c')];
  const load = (inFlight: number, tokens: number): Seen => ({ load: { inFlight, requests: 1, tokens } });
  const seen = seenAs({ a: load(1, 500), b: load(3, 1_000), c: load(2, 2_000) });

  it('fewest in flight first', () => {
    expect(orderOf(members, { strategy: { name: 'least-busy' }, seen })).toEqual(['a', 'c', 'b']);
  });

  it('L53 smallest used share first; one without a limit is taken for an average one', () => {
    for (const name of ['usage-based-routing', 'usage-based-routing-v2'] as const) {
      expect(orderOf(members, { strategy: { name }, seen })).toEqual(['b', 'c', 'a']); // 0.1, 2000/5500, 0.5
    }
  });
});

describe('affinity', () => {
  const members = [deployment('a', { weight: 3 }), deployment('b', { weight: 1 }), deployment('c', { weight: 1 })];
  const sessions = Array.from({ length: DRAWS }, (_, i) =>
    Math.imul(i, 0x9e3779b1).toString(16).padStart(8, '0').slice(-8),
  );
  const placeOf = (stickTo: string, of = members, strategy: Strategy = { name: 'simple-shuffle' }): string =>
    orderOf(of, { stickTo, strategy }, stickTo.charCodeAt(3))[0]!;

  it('L58 keeps a session at its deployment, whatever the dice, the process and the strategy say', () => {
    for (const stickTo of sessions.slice(0, 200)) {
      const home = placeOf(stickTo);
      for (const name of ['least-busy', 'usage-based-routing'] as const)
        expect(placeOf(stickTo, members, { name })).toBe(home);
      expect(placeOf(stickTo, members.toReversed())).toBe(home);
    }
  });

  it('L58 deals sessions out by weight', () => {
    const homes = sessions.map((s) => placeOf(s));
    const share = (id: string): number => homes.filter((home) => home === id).length / DRAWS;
    expect(share('a')).toBeCloseTo(0.6, 1);
    expect(share('b')).toBeCloseTo(0.2, 1);
  });

  it('L58 moves only the sessions of the one that is out, and spreads them', () => {
    const left = members.slice(1);
    const moved = sessions.filter((s) => placeOf(s) === 'a').map((s) => placeOf(s, left));
    const others = sessions.slice(0, 1_000).filter((s) => placeOf(s) !== 'a');
    expect(others.map((s) => placeOf(s, left))).toEqual(others.map((s) => placeOf(s)));
    expect(moved.filter((home) => home === 'b').length / moved.length).toBeCloseTo(0.5, 1);
  });

  it('deals sessions out by speed where the strategy goes by latency', () => {
    const pair = [deployment('fast'), deployment('slow')];
    const seen = seenAs({ fast: { msPerToken: [10] }, slow: { msPerToken: [20] } });
    const homes = sessions.map((stickTo) => orderOf(pair, { stickTo, strategy: LATENCY, seen })[0]);
    expect(homes.filter((home) => home === 'fast').length / DRAWS).toBeCloseTo(0.8, 1);
  });
});

describe('a dry run', () => {
  it('tells of every candidate how often it comes first and what it was weighed by', () => {
    const members = [deployment('a', { weight: 9 }), deployment('b', { weight: 1 }), deployment('late', { order: 2 })];
    const told = explainChoice(group('g', members), members, choice(), dice(2));
    expect(told).toMatchObject([
      { deployment: 'a', verdict: 'chosen', measure: { by: 'weight', value: 9 } },
      { deployment: 'b', verdict: 'eligible', measure: { by: 'weight', value: 1 } },
      { deployment: 'late', verdict: 'skipped', reason: 'lower_order', share: 0 },
    ]);
    expect(told[0]!.share).toBeCloseTo(0.9, 1);
  });

  it('says who was not picked', () => {
    const members = [deployment('fast'), deployment('slow')];
    const seen = seenAs({ fast: { msPerToken: [10] }, slow: { msPerToken: [20] } });
    expect(explainChoice(group('g', members), members, choice({ strategy: LATENCY, seen }), dice(2))).toEqual([
      { deployment: 'fast', verdict: 'chosen', share: 1, measure: { by: 'ms_per_token', value: 10 } },
      {
        deployment: 'slow',
        verdict: 'skipped',
        reason: 'not_picked',
        share: 0,
        measure: { by: 'ms_per_token', value: 20 },
      },
    ]);
  });

  it('of nobody is empty', () => {
    expect(explainChoice(group('g', []), [], choice(), dice(1))).toEqual([]);
  });
});

it('L54 whatever the strategy knows, everybody is offered once, lower tiers first', () => {
  const strategy = fc.constantFrom<Strategy>(
    LATENCY,
    { ...LATENCY, buffer: 0.3 },
    { name: 'simple-shuffle' },
    { name: 'least-busy' },
    { name: 'cost-based-routing' },
    { name: 'usage-based-routing' },
  );
  const number = fc.constantFrom(0, 1, 3, 1e9);
  const seenOne = fc.record(
    {
      firstTokenMs: fc.array(number, { maxLength: 3 }),
      msPerToken: fc.array(number, { maxLength: 3 }),
      load: fc.record({ inFlight: number, requests: number, tokens: number }),
    },
    { requiredKeys: [] },
  );
  const member = fc.record({
    order: fc.constantFrom(1, 1, 2, 5),
    weight: fc.constantFrom(undefined, 0, 1, 10),
    rpm: fc.constantFrom(undefined, 1, 100),
    tpm: fc.constantFrom(undefined, 1, 100),
    seen: fc.option(seenOne, { nil: undefined }),
  });
  const stickTo = fc.option(fc.constantFrom('00000000', 'ffffffff', '12ab34cd'), { nil: undefined });
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 6 }),
      strategy,
      fc.boolean(),
      stickTo,
      fc.nat(),
      (own, by, stream, session, seed) => {
        const members = own.map(({ order, weight, rpm, tpm }, i) => deployment(`d${i}`, { order, weight, rpm, tpm }));
        const seen: Choice['seen'] = (id) => own[Number(id.slice(1))]!.seen;
        const how = choice({ strategy: by, stream, stickTo: session, seen });
        const ordered = orderCandidates(group('g', members), members, how, dice(seed));
        expect(ordered.map((c) => c.deployment.id).toSorted()).toEqual(members.map((d) => d.id));
        const orders = ordered.map((c) => c.deployment.order);
        expect(orders).toEqual(orders.toSorted((a, b) => a - b));
        for (const { measure } of ordered) expect(measure.value ?? 0).not.toBeNaN();
      },
    ),
    RUNS,
  );
});
