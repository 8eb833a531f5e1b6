import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  changeMembers,
  changeMembersAt,
  elementsAt,
  filterElements,
  membersAt,
  removePath,
  valueAt,
  valueText,
} from './json-span.js';

// oxlint-disable-next-line node/no-process-env -- a full run asks for a million cases; specs are not the product
const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const LIMIT_MS = 20_000 + RUNS.numRuns * 2;

/** Any JSON object, written with random spacing, so that spans meet what real clients write. */
const texts = fc
  .tuple(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), fc.constantFrom(undefined, 1, 2, '\t'))
  .map(([value, space]) => JSON.stringify(value, null, space));

describe('changeMembers', () => {
  it('keeps every byte of what it does not name', () => {
    const text = '{ "a" : 12345678901234567890 , "model":"x","b":[1.0, "\\"]}"] }';
    expect(changeMembers(text, new Map([['model', { value: '"y"' }]]))).toBe(text.replace('"x"', '"y"'));
  });

  it.each([
    ['{"a":1,"b":2,"c":3}', 'a', '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'b', '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'c', '{"a":1,"b":2}'],
    ['{"a":1}', 'a', '{}'],
    ['{"a":1,"a":2}', 'a', '{}'],
    ['{}', 'a', '{}'],
  ])('cuts a member of %s', (text, key, expected) => {
    expect(changeMembers(text, new Map([[key, 'remove']]))).toBe(expected);
  });

  it(
    'parses as the edited value, for any object, key and value',
    () => {
      fc.assert(
        fc.property(texts, fc.string({ unit: 'grapheme' }), fc.jsonValue(), fc.nat(), (text, other, value, dice) => {
          const before = JSON.parse(text) as Record<string, unknown>;
          const keys = Object.keys(before);
          const key = keys.length > 0 && dice % 2 === 0 ? (keys[dice % keys.length] ?? other) : other;
          const set = JSON.parse(changeMembers(text, new Map([[key, { value: JSON.stringify(value) }]]))) as unknown;
          expect(entriesOf(set)).toEqual(entriesOf(withMember(before, key, value)));
          const cut = JSON.parse(changeMembers(text, new Map([[key, 'remove']]))) as unknown;
          expect(entriesOf(cut)).toEqual(entriesOf(before).filter(([name]) => name !== key));
          const renamed = JSON.parse(changeMembers(text, new Map([[key, { rename: 'new name' }]]))) as unknown;
          expect(entriesOf(renamed)).toEqual(
            sorted(
              entriesOf(before)
                .filter(([name]) => name !== 'new name' || key === name)
                .map(([name, each]) => [name === key ? 'new name' : name, each]),
            ),
          );
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});

describe('membersAt', () => {
  it(
    'finds the members that JSON.parse finds',
    () => {
      fc.assert(
        fc.property(texts, (text) => {
          const found = membersAt(text).map(({ key, valueStart, valueEnd }) => [
            key,
            JSON.parse(text.slice(valueStart, valueEnd)),
          ]);
          expect(sorted(found as [string, unknown][])).toEqual(entriesOf(JSON.parse(text)));
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it.each(['', '{', '{"a', '{"a":', '{"a":[1', '[}', '{"a":1,', '"\\', 'nul'])('ends on broken text %j', (text) => {
    membersAt(text);
    elementsAt(text, 0);
    changeMembers(text, new Map([['a', 'remove']]));
    expect(removePath(text, 'a[*].b')).toBeDefined();
  });
});

describe('paths', () => {
  const text =
    '{"tools":[{"function":{"name":"f","strict":true}},{"function":{"strict":false}}],"a":{"b":1,"c":2},"x":[1,2,3]}';

  it.each([
    [
      'a.b',
      {
        tools: [{ function: { name: 'f', strict: true } }, { function: { strict: false } }],
        a: { c: 2 },
        x: [1, 2, 3],
      },
    ],
    [
      'tools[*].function.strict',
      { tools: [{ function: { name: 'f' } }, { function: {} }], a: { b: 1, c: 2 }, x: [1, 2, 3] },
    ],
    [
      'x[0]',
      {
        tools: [{ function: { name: 'f', strict: true } }, { function: { strict: false } }],
        a: { b: 1, c: 2 },
        x: [2, 3],
      },
    ],
    ['a', { tools: [{ function: { name: 'f', strict: true } }, { function: { strict: false } }], x: [1, 2, 3] }],
    ['nothing.here[3]', JSON.parse(text)],
  ])('cuts %s', (path, expected) => {
    expect(JSON.parse(removePath(text, path))).toEqual(expected);
  });

  it('leads to values and objects inside', () => {
    expect(valueText(text, valueAt(text, ['tools', 0, 'function', 'name']) ?? 0)).toBe('"f"');
    expect(valueAt(text, ['tools', 5])).toBeUndefined();
    expect(JSON.parse(changeMembersAt(text, ['a'], new Map([['b', { value: '7' }]])))).toMatchObject({
      a: { b: 7, c: 2 },
    });
    expect(filterElements('{"x":[1, 2, 3]}', 5, (i) => i === 1)).toBe('{"x":[2]}');
  });
});

function withMember(object: Record<string, unknown>, key: string, value: unknown): unknown {
  const text = JSON.stringify(object);
  const member = `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  return JSON.parse(text === '{}' ? `{${member}}` : `${text.slice(0, -1)},${member}}`) as unknown;
}

const sorted = (entries: [string, unknown][]): [string, unknown][] =>
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const entriesOf = (value: unknown): [string, unknown][] => sorted(Object.entries(value as Record<string, unknown>));
