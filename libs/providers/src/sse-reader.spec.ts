import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_EVENT_CHARS, SseReader } from './sse-reader.js';

// oxlint-disable-next-line node/no-process-env -- a full run asks for a million cases; specs are not the product
const RUNS = { numRuns: Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000) };
const LIMIT_MS = 20_000 + RUNS.numRuns * 2;

function eventsOf(pieces: readonly Uint8Array[]): [string, string | undefined][] {
  const events: [string, string | undefined][] = [];
  const reader = new SseReader((data, event) => events.push([data, event]));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return events;
}

/** The HTML standard's rules, written as plainly as they can be. */
function expectedOf(text: string): [string, string | undefined][] {
  const events: [string, string | undefined][] = [];
  let data: string[] = [];
  let event: string | undefined;
  for (const line of [...text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/), '']) {
    if (line === '') {
      if (data.length > 0) events.push([data.join('\n'), event]);
      data = [];
      event = undefined;
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    if (field === 'event') event = value === '' ? undefined : value;
  }
  return events;
}

const line = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
  fc.string().map((text) => `data:${text.replaceAll(/[\r\n]/g, '')}`),
  fc.constantFrom(
    'data',
    'data:',
    ': comment',
    ':',
    'event: error',
    'event:',
    'id: 7',
    'retry: 5',
    'dat',
    'datax: y',
    '',
    '',
    'data: [DONE]',
    'data: {"a":"é😀"}',
  ),
);
const stream = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 12 }), line)
  .map(([bom, lines, last]) => (bom ? '\uFEFF' : '') + lines.map(([text, end]) => text + end).join('') + last);

describe('W12 CRLF, comments, split UTF-8', () => {
  it(
    'reads what the standard says, split anywhere',
    () => {
      fc.assert(
        fc.property(stream, fc.array(fc.nat({ max: 400 })), (text, cuts) => {
          const bytes = Buffer.from(text, 'utf8');
          const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
          const pieces = [0, ...places].map((start, i) => bytes.subarray(start, places[i] ?? bytes.length));
          expect(eventsOf(pieces)).toEqual(expectedOf(bytes.toString('utf8')));
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    'reads bytes that are no UTF-8 the same, whole or byte by byte',
    () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
          const bytes = Buffer.concat([
            Buffer.from('data: '),
            noise.filter((b) => b !== 10 && b !== 13),
            Buffer.from('\n\n'),
          ]);
          expect(eventsOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(eventsOf([bytes]));
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it('gives the last event when the blank line is missing', () => {
    expect(eventsOf([Buffer.from('data: a\n\ndata: b')])).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
  });
});

describe('W11 a line of 20 MiB', () => {
  it('is refused, and nothing is kept', () => {
    let events = 0;
    const reader = new SseReader(() => events++);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let pushed = 0;
    reader.push(Buffer.from('data: '));
    while (pushed < 20 && reader.push(piece)) pushed++;
    expect(pushed).toBe(MAX_EVENT_CHARS / (1024 * 1024) - 1);
    expect(reader.push(Buffer.from('\n\n'))).toBe(false);
    reader.end();
    expect(events).toBe(0);
  });
});
