import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, fingerprintOf } from './fingerprint.js';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the fingerprint of a body', () => {
  it.each([
    ['members in any order', '{"b":1,"a":[{"d":null,"c":"é"}]}', '{"a":[{"c":"é","d":null}],"b":1}'],
    ['spaces', ' { "a" : 1 } ', '{"a":1}'],
    ['how a number is written', '{"a":1.0,"b":1e2}', '{"a":1,"b":100}'],
    ['how a text is written', '{"a":"\\u0041"}', '{"a":"A"}'],
  ])('does not depend on %s', (_what, body, canonical) => {
    expect(fingerprintOf(JSON.parse(body))).toBe(sha(canonical));
  });

  it.each([
    ['{"a":[1,2]}', '{"a":[2,1]}'],
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":null}', '{}'],
    ['{"a":{"b":1}}', '{"a":{},"b":1}'],
  ])('tells %s from %s', (one, other) => {
    expect(fingerprintOf(JSON.parse(one))).not.toBe(fingerprintOf(JSON.parse(other)));
  });

  it('is the same for all orders of members, and of long texts too', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
        const text = JSON.stringify(members);
        const turned = Object.fromEntries(Object.entries(JSON.parse(text) as object).toReversed());
        expect(fingerprintOf(turned)).toBe(fingerprintOf(JSON.parse(text)));
        expect(fingerprintOf([members])).not.toBe(fingerprintOf(members));
      }),
    );
    const long = 'ä'.repeat(100_000);
    expect(fingerprintOf([long, long])).toBe(sha(JSON.stringify([long, long])));
  });
});

describe('a digest of words', () => {
  it('depends on where each begins', () => {
    expect(digestOf('ab', 'c')).not.toBe(digestOf('a', 'bc'));
    expect(digestOf('a', '')).not.toBe(digestOf('a'));
  });
});
