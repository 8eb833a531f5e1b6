import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import type { Piece } from '../formats/format.js';
import { seededDice } from '../script/draw.js';
import { readFault } from '../script/fault.js';
import { GzipInParts } from './gzip-in-parts.js';
import { planBody, planStream, type Step, unaryText } from './plan.js';

const content = (step: number): Piece => ({ role: 'content', step, data: `{"id":"c","n":"${step}ü"}` });
const PIECES: Piece[] = [
  { role: 'open', step: 0, data: '{"id":"open","n":1}' },
  content(0),
  content(1),
  content(2),
  { role: 'finish', step: 0, event: 'last', data: '{"id":"finish","n":2}' },
  { role: 'end', step: 0, data: '[DONE]' },
];
const UNKNOWN: Piece = { role: 'frame', step: 0, event: 'sim', data: '{"unknown":"yes","x":1}' };
const ERROR: Piece = { role: 'frame', step: 0, data: '{"error":"no","x":1}' };

const plan = (fault: object, seed = 1): Step[] =>
  planStream(
    PIECES,
    readFault(fault, 'do'),
    { firstTokenMs: 100, stepMs: 10 },
    {
      unknownEvent: UNKNOWN,
      error: ERROR,
      dice: seededDice(seed),
    },
  );

const malformed = '{"choices":[{"index":0,"delta":{"content":"fo';

/** Events as a client reads them; what is no send stands as its own word. */
function read(steps: Step[]): string[] {
  const seen: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => seen.push(data.replaceAll('\n', '')) });
  for (const step of steps) {
    if (step.do === 'send') parser.feed(step.data.toString());
    else seen.push(step.do === 'cut' ? step.how : `stall ${step.ms}`);
  }
  return seen;
}
const [OPEN, ONE, TWO, THREE, FINISH, DONE] = PIECES.map(({ data }) => data) as [
  string,
  string,
  string,
  string,
  string,
  string,
];

describe('a stream', () => {
  it('opens at once, and brings each content at its time', () => {
    expect(plan({}).map((step) => (step.do === 'send' ? [step.atMs, step.chunks] : step.do))).toEqual([
      [0, 0],
      [100, 1],
      [110, 1],
      [120, 1],
    ]);
    expect(read(plan({}))).toEqual([OPEN, ONE, TWO, THREE, FINISH, DONE]);
  });

  it.each<[object, string[]]>([
    [{ noDone: true }, [OPEN, ONE, TWO, THREE, FINISH]],
    [{ cutAfter: 0 }, [OPEN, 'fin']],
    [{ cutAfter: 2, cutHow: 'rst' }, [OPEN, ONE, TWO, 'rst']],
    [{ cutAfter: 3 }, [OPEN, ONE, TWO, THREE, 'fin']],
    [{ cutAfter: 4 }, [OPEN, ONE, TWO, THREE, FINISH, DONE]],
    [{ stallAfter: 0 }, [OPEN, 'stall null', ONE, TWO, THREE, FINISH, DONE]],
    [{ stallAfter: 1, stallMs: 5 }, [OPEN, ONE, 'stall 5', TWO, THREE, FINISH, DONE]],
    [{ malformedAfter: 1 }, [OPEN, ONE, malformed, TWO, THREE, FINISH, DONE]],
    [{ errorAfter: 2 }, [OPEN, ONE, TWO, ERROR.data]],
    [{ stallAfter: 1, stallMs: 5, cutAfter: 1 }, [OPEN, ONE, 'stall 5', 'fin']],
  ])('with %j is %j', (fault, expected) => {
    expect(read(plan(fault))).toEqual(expected);
  });

  it('is written with CRLF, comments and strangers when asked for', () => {
    const sent = (fault: object): string =>
      plan(fault)
        .map((step) => (step.do === 'send' ? step.data : ''))
        .join('');
    expect(sent({ crlf: true }).replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(sent({ comments: true })).toContain(`: sim\n\ndata: ${ONE}\n\n`);
    expect(sent({ unknownEvents: true })).toContain(`event: sim\ndata: ${UNKNOWN.data}\n\ndata: ${ONE}\n\n`);
  });

  it('has a line as long as asked for', () => {
    const lines = plan({ lineBytes: 5_000 }).flatMap((step) =>
      step.do === 'send' ? step.data.toString().split('\n') : [],
    );
    expect(Math.max(...lines.map((line) => line.length))).toBe('data: '.length + 5_000);
    expect(read(plan({ lineBytes: 5_000 })).slice(2)).toEqual([TWO, THREE, FINISH, DONE]);
  });

  it('says the same however it is fuzzed', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const seen = read(plan({ fuzz: true }, seed)).filter((event) => event !== UNKNOWN.data);
        expect(seen).toEqual([OPEN, ONE, TWO, THREE, FINISH, DONE]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a body in one piece', () => {
  const BODY = Buffer.from('0123456789');
  const shown = (fault: object): unknown[] =>
    planBody(BODY, readFault(fault, 'do'), 7, 4).map((step) => (step.do === 'send' ? step.data.toString() : step));

  it.each<[object, unknown[]]>([
    [{}, ['0123456789']],
    [{ cutAfter: 0 }, [{ do: 'cut', how: 'fin' }]],
    [{ cutAfter: 2, cutHow: 'rst' }, ['01234567', { do: 'cut', how: 'rst' }]],
    [{ cutAfter: 99 }, ['012345678', { do: 'cut', how: 'fin' }]],
    [{ stallAfter: 1, stallMs: 5 }, ['0123', { do: 'stall', ms: 5 }, '456789']],
    [{ stallAfter: 1, cutAfter: 2 }, ['0123', { do: 'stall', ms: null }, '4567', { do: 'cut', how: 'fin' }]],
  ])('with %j is %j', (fault, expected) => {
    expect(shown(fault)).toEqual(expected);
  });

  it('is spoilt where asked for', () => {
    expect(unaryText('{"a":1}', readFault({ malformedAfter: 1 }, 'do'), 4)).toBe(`{"a"${malformed}`);
    expect(unaryText('{"a":1}', readFault({ malformedAfter: 9 }, 'do'), 4)).toBe(`{"a":1}${malformed}`);
  });

  it('is padded to a length and says the same', () => {
    const padded = unaryText('{"a":1}', readFault({ lineBytes: 100 }, 'do'), 4);
    expect(padded).toHaveLength(100);
    expect(JSON.parse(padded)).toMatchObject({ a: 1 });
  });
});

describe('gzip in parts', () => {
  it('is one gzip member', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 6 }), (parts) => {
        const gzip = new GzipInParts();
        const packed = Buffer.concat([...parts.map((part) => gzip.push(Buffer.from(part))), gzip.end()]);
        expect(gunzipSync(packed)).toEqual(Buffer.concat(parts));
      }),
    );
  });
});
