import { describe, expect, it } from '@jest/globals';
import { type CallFacts, chooseFault, counted } from './choose-fault.js';
import { readScript } from './script.js';

const call = (over: Partial<CallFacts> = {}): CallFacts => ({
  model: 'gpt-4o',
  route: '/v1/chat/completions',
  canonicalRoute: '/v1/chat/completions',
  stream: false,
  elapsedMs: 0,
  ...over,
});
const rulesOf = (...rules: unknown[]) => readScript({ rules }).rules.map(counted);
const never = (): number => 0.999;

/** Statuses of so many calls; 200 for a call that nothing is done to. */
const statuses = (rules: unknown[], calls: CallFacts[], dice: () => number = never): number[] => {
  const entries = rulesOf(...rules);
  return calls.map((one) => chooseFault(entries, one, dice)?.status ?? 200);
};
const times = (count: number, over: Partial<CallFacts> = {}): CallFacts[] =>
  Array.from({ length: count }, () => call(over));

describe('a rule', () => {
  it.each<[string, object, Partial<CallFacts>, boolean]>([
    ['its model', { model: 'gpt-4o' }, {}, true],
    ['another model', { model: 'gpt-4' }, {}, false],
    ['a pattern', { model: 'gpt*' }, {}, true],
    ['a pattern with dots', { model: 'gpt.4*' }, {}, false],
    ['its route', { route: '/v1/chat/*' }, {}, true],
    ['its route called without /v1', { route: '/v1/chat/completions' }, { route: '/chat/completions' }, true],
    ['another route', { route: '/v1/messages' }, {}, false],
    ['streams only', { stream: true }, {}, false],
    ['streams only', { stream: true }, { stream: true }, true],
    ['before its time', { fromMs: 10 }, { elapsedMs: 9 }, false],
    ['in its time', { fromMs: 10, toMs: 20 }, { elapsedMs: 10 }, true],
    ['after its time', { toMs: 20 }, { elapsedMs: 20 }, false],
  ])('matches %s: %j', (_what, match, facts, applies) => {
    expect(statuses([{ match, do: { status: 500 } }], [call(facts)])).toEqual([applies ? 500 : 200]);
  });

  it('counts its own calls for nth and every', () => {
    const others = { model: 'claude' };
    const calls = [call(), call(others), call(), call(), call(others), call()];
    const rule = { match: { model: 'gpt*', nth: [2, 4] }, do: { status: 500 } };
    expect(statuses([rule], calls)).toEqual([200, 200, 500, 200, 200, 500]);
    expect(statuses([{ match: { every: 3 }, do: { status: 500 } }], times(6))).toEqual([200, 200, 500, 200, 200, 500]);
  });

  it('is applied so many times, and then leaves calls to the next', () => {
    const rules = [{ times: 2, do: { status: 500 } }, { do: { status: 503 } }];
    expect(statuses(rules, times(4))).toEqual([500, 500, 503, 503]);
  });

  it('follows its sequence, whose last entry repeats', () => {
    expect(statuses([{ sequence: [{ status: 529 }, 'ok', { status: 500 }] }], times(4))).toEqual([529, 200, 500, 500]);
    expect(statuses([{ sequence: [{ status: 529 }, 'ok'] }], times(4))).toEqual([529, 200, 200, 200]);
  });

  it('that says ok shields from the rules behind it', () => {
    const rules = [{ match: { stream: true }, do: 'ok' }, { do: { status: 500 } }];
    expect(statuses(rules, [call({ stream: true }), call()])).toEqual([200, 500]);
  });

  it('throws the dice for its probability alone', () => {
    const thrown = [0.04, 0.05, 0.9];
    const rules = [
      { match: { model: 'none' }, probability: 0.5, do: 'ok' },
      { probability: 0.05, do: { status: 500 } },
    ];
    expect(statuses(rules, times(3), () => thrown.shift() ?? 1)).toEqual([500, 200, 200]);
    expect(thrown).toEqual([]);
  });
});
