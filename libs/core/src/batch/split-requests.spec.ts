import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SplitRequests } from './split-requests.js';

function split(
  text: string,
  pieceBytes = 1_000_000,
  mostBytes = 1_000,
): { lines: (string | undefined)[]; problem: unknown } {
  const lines: (string | undefined)[] = [];
  const reader = new SplitRequests(mostBytes, (line) => lines.push(line?.toString().trim()));
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += pieceBytes) reader.push(bytes.subarray(i, i + pieceBytes));
  reader.end();
  return { lines, problem: reader.problem };
}

describe('the requests of a message batch', () => {
  it('are cut out, whatever stands around and in them', () => {
    const text =
      '\n{"a": {"requests": [1]}, "requests" : [ {"custom_id":"x]}\\"", "n":\n1.0} ,{"y":[[]]},7, "s,]" ], "b":[{"requests":[2]}]} ';
    expect(split(text)).toEqual({
      lines: ['{"custom_id":"x]}\\"", "n": 1.0}', '{"y":[[]]}', '7', '"s,]"'],
      problem: undefined,
    });
  });

  it('may be none', () => {
    expect(split('{"requests":[]}')).toEqual({ lines: [], problem: undefined });
  });

  it.each([
    ['[]', 'object'],
    ['', 'ends too early'],
    ['{"requests":[{}', 'ends too early'],
    ['{"requests":{}}', 'array'],
    ['{}', 'array'],
    ['{"requests":[]} x', 'behind its end'],
    ['{"requests":[],"requests":[]}', 'once'],
  ])('are none in %s', (text, problem) => {
    expect(split(text).problem).toContain(problem);
  });

  it('that are too large are not kept', () => {
    const long = JSON.stringify({ text: 'x'.repeat(2_000) });
    expect(split(`{"requests":[${long},{"b":2}]}`, 100)).toEqual({ lines: [undefined, '{"b":2}'], problem: undefined });
  });

  it('are the same for any cut, and each is what JSON.parse has', () => {
    const request = fc.object({ maxDepth: 2 });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 6 }), fc.nat(40), fc.nat(2), (requests, piece, indent) => {
        const text = JSON.stringify({ before: requests, requests, after: 'x' }, null, indent);
        const { lines, problem } = split(text, piece + 1, 100_000);
        expect(problem).toBeUndefined();
        expect(lines.map((line) => JSON.parse(line!) as unknown)).toEqual(JSON.parse(JSON.stringify(requests)));
      }),
    );
  });
});
