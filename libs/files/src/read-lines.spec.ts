import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readLines } from './read-lines.js';

async function* inPieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(cut, bytes.length);
    yield bytes.subarray(from, to);
    from = to;
  }
  yield bytes.subarray(from);
}

async function linesOf(text: string, mostBytes = 1_000, cuts: readonly number[] = []) {
  const found: [number, string | undefined][] = [];
  for await (const lines of readLines(inPieces(Buffer.from(text), cuts), mostBytes))
    for (const { number, bytes } of lines) found.push([number, bytes?.toString()]);
  return found;
}

describe('the lines of a file', () => {
  it.each([
    [
      'with and without a last line break',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'blank ones count and are left out',
      '\na\n \r\n\nb\n',
      [
        [2, 'a'],
        [5, 'b'],
      ],
    ],
    ['a mark at the beginning is none of the first', '\ufeffa\n', [[1, 'a']]],
    ['nothing', '', []],
    ['only line breaks', '\n\n', []],
  ])('%s', async (_, text, expected) => {
    expect(await linesOf(text)).toEqual(expected);
  });

  it('tells one that is too long without keeping it', async () => {
    expect(await linesOf('abc\nabcd\nabc\nabcde', 3)).toEqual([
      [1, 'abc'],
      [2, undefined],
      [3, 'abc'],
      [4, undefined],
    ]);
  });

  it('are the same however the bytes are cut, in the middle of a character too', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ä', '𝄞', '\n', ' ', '\r', '{'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(150), { maxLength: 10 }), async (written, cuts) => {
        const whole = written
          .split('\n')
          .map((line, i) => [i + 1, line] as const)
          .filter(([, line]) => /[^ \r\t]/.test(line));
        expect(await linesOf(written, 1_000, cuts)).toEqual(whole);
      }),
    );
  });
});
