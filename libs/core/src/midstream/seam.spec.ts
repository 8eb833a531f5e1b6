import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Seam, type GoingOn } from './seam.js';

const WORDS = 'alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november'.split(' ');
const WHOLE = `${WORDS.join(' ')}.`;

/** The whole text that a caller has in the end; undefined: the stream ends in an error. */
function joined(delivered: string, how: GoingOn, pieces: readonly string[]): string | undefined {
  const seam = new Seam(delivered, how);
  let text = delivered;
  for (const piece of pieces) {
    const next = seam.push(piece);
    if (next === undefined) return undefined;
    text += next;
  }
  const last = seam.end();
  return last === undefined ? undefined : text + last;
}

function cutAt(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, i) => text.slice(i === 0 ? 0 : at[i - 1], end));
}

const places = fc.array(fc.nat(500), { maxLength: 12 });
const how = fc.constantFrom<GoingOn>('prefill', 'turn');
const cut = fc.integer({ min: 1, max: WHOLE.length });

describe('an answer cut at any place', () => {
  it('is whole when the next one goes on', () => {
    fc.assert(
      fc.property(cut, how, places, (at, asked, where) => {
        expect(joined(WHOLE.slice(0, at), asked, cutAt(WHOLE.slice(at), where))).toBe(WHOLE);
      }),
    );
  });

  it('is whole when the next one begins again with the same words', () => {
    fc.assert(
      fc.property(cut, how, places, (at, asked, where) => {
        expect(joined(WHOLE.slice(0, at), asked, cutAt(WHOLE, where))).toBe(WHOLE);
      }),
    );
  });

  it('is whole when the next one repeats its last words', () => {
    fc.assert(
      fc.property(cut, how, fc.integer({ min: 3, max: 6 }), places, (at, asked, words, where) => {
        const delivered = WHOLE.slice(0, at);
        const from = delivered.split(' ').slice(0, -words).join(' ').length;
        const repeated = WHOLE.slice(from === 0 ? 0 : from + 1);
        expect(joined(delivered, asked, cutAt(repeated, where))).toBe(WHOLE);
      }),
    );
  });

  it('is whole when the white space at its end was cut off and comes again', () => {
    fc.assert(
      fc.property(cut, how, places, (at, asked, where) => {
        const sent = WHOLE.slice(0, at).trimEnd();
        expect(joined(WHOLE.slice(0, at), asked, cutAt(WHOLE.slice(sent.length), where))).toBe(WHOLE);
      }),
    );
  });

  it('is never two answers: one that begins again and departs is whole itself, or refused', () => {
    fc.assert(
      fc.property(cut, how, fc.integer({ min: 3, max: WORDS.length - 1 }), places, (at, asked, same, where) => {
        const other = `${[...WORDS.slice(0, same), 'zulu', 'yankee', 'xray'].join(' ')}.`;
        expect([other, undefined]).toContain(joined(WHOLE.slice(0, at), asked, cutAt(other, where)));
      }),
    );
  });
});

describe('a seam', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '。', '漢'), maxLength: 40 });

  it('is the same however the answer comes in pieces', () => {
    fc.assert(
      fc.property(text, text, how, places, (delivered, answer, asked, where) => {
        expect(joined(delivered, asked, cutAt(answer, where))).toBe(joined(delivered, asked, [answer]));
      }),
    );
  });

  it('sends an end of the answer and nothing else, and holds no more back than it must', () => {
    fc.assert(
      fc.property(text, text, how, places, (delivered, answer, asked, where) => {
        const whole = joined(delivered, asked, cutAt(answer, where));
        if (whole === undefined) return;
        expect(answer.endsWith(whole.slice(delivered.length))).toBe(true);
      }),
    );
    const seam = new Seam('x'.repeat(3_000), 'turn');
    expect(seam.push('x'.repeat(600))).toBe(''); // equal to what was delivered: nothing to send
    expect(seam.push('y')).toMatch(/^x*y$/);
  });

  it.each<[string, GoingOn, string, string, string | undefined]>([
    ['a chat model takes up the last word', 'turn', 'the quick brown', 'brown fox', 'the quick brown fox'],
    ['a word that was cut is written out', 'turn', 'the sky is bri', 'bright today', 'the sky is bright today'],
    ['a prefill goes on with an equal word', 'prefill', 'it is very', ' very good', 'it is very very good'],
    ['so does a chat model that begins with a space', 'turn', 'it is very', ' very good', 'it is very very good'],
    ['letters inside a word are no overlap', 'turn', 'say ban', 'ana', 'say banana'],
    ['a new sentence may begin like the first', 'turn', 'The cat sat. ', 'The dog ran.', 'The cat sat. The dog ran.'],
    ['a line break is not doubled', 'turn', 'one\n', '\ntwo', 'one\ntwo'],
    ['a prefill ends in no space, so it comes again', 'prefill', 'one ', ' two', 'one two'],
    ['nothing more to say', 'turn', 'all is said.', '', 'all is said.'],
    ['it says the end once more', 'turn', 'all is said.', 'is said.', 'all is said.'],
    ['it says something of the middle once more', 'turn', 'one two three four five six.', 'three four', undefined],
    ['it is done before it has come so far', 'turn', 'one two three four five six.', 'one two three', undefined],
    ['text without spaces', 'turn', '我喜欢吃苹果和', '苹果和香蕉', '我喜欢吃苹果和香蕉'],
  ])('%s', (_name, asked, delivered, answer, expected) => {
    expect(joined(delivered, asked, [answer])).toBe(expected);
    expect(joined(delivered, asked, answer.split(''))).toBe(expected);
  });

  it('with nothing before it passes all on', () => {
    expect(joined('', 'afresh', ['a', 'b'])).toBe('ab');
  });

  it('says how the answer was joined', () => {
    const seam = new Seam('one two', 'turn');
    seam.push('one two three');
    expect(seam.state).toBe('again');
    expect(new Seam('', 'afresh').state).toBe('on');
  });
});
