import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PatternError, textPattern } from './text-pattern.js';

describe('a pattern', () => {
  it.each<[string, string, boolean]>([
    ['invoice', 'please check this invoice now', true],
    ['^invoice', 'this invoice', false],
    ['(?i)SQL|select .+ from', 'Select a, b From t', true],
    ['SQL|select .+ from', 'Select a, b From t', false],
    ['\\b\\d{3,4}\\b', 'call 1234.', true],
    ['\\b\\d{3,4}\\b', 'call 12345.', false],
    ['a{2}b', 'caab', true],
    ['a{2}b', 'cab', false],
    ['a{2,}b', 'caaaab', true],
    ['[^\\s]+@[a-z.]+', 'mail x@example.org', true],
    ['colou?r$', 'a color', true],
    ['(?:ab)*c', 'ababc', true],
    ['.', '\n', false],
    ['\\p{Lu}', 'straße Ä', true],
    ['a{', 'a{', true],
    ['[a\\]b]x', ']x', true],
    ['', 'anything', true],
    ['💡+', 'an idea 💡', true],
  ])('%s in %j: %s', (source, text, expected) => {
    expect(textPattern(source).test(text)).toBe(expected);
  });

  it.each([
    ['(a', 'without its ")"'],
    ['a)', '")" too many'],
    ['*a', 'nothing before it'],
    ['(a)\\1', 'refers back'],
    ['(?=a)', 'looks around'],
    ['(?<n>a)', 'names a group'],
    ['a{3,2}', 'more often'],
    ['a{5000}', 'too long'],
    ['(a{100}){100}', 'too long'],
    ['[z-a]', 'no character or class'],
  ])('%s is refused: it %s', (source, reason) => {
    expect(() => textPattern(source)).toThrow(PatternError);
    expect(() => textPattern(source)).toThrow(reason);
  });

  it('agrees with JavaScript’s own, for any pattern and text', () => {
    const { pattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
      atom: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$'),
        tie('pattern').map((inner) => `(${inner})`),
      ),
      pattern: fc
        .array(fc.tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,}', '|')), {
          maxLength: 4,
        })
        .map((parts) =>
          parts.map(([atom, sign]) => (/^[\\^$b]*$/.test(atom) && sign !== '|' ? atom : atom + sign)).join(''),
        ),
    }));
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 12 }), (source, text) => {
        expect(textPattern(source).test(text)).toBe(new RegExp(source, 'u').test(text));
      }),
    );
  });

  it('that would backtrack for ever is over at once', () => {
    const startedMs = performance.now();
    expect(textPattern('^(a+)+$').test(`${'a'.repeat(16_000)}!`)).toBe(false);
    expect(textPattern('(.*)(.*)(.*)(.*)x$').test('y'.repeat(16_000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
