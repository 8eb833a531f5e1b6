import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { joinLine, newBacklog, takeNext, type Backlog } from './lines.js';
import { expectedStartMs, jobsAhead } from './place-in-line.js';
import { countStarts, startsPerSecond } from './starts.js';

function fill(stores: readonly { weight: number; jobs: number }[]): Backlog {
  const backlog = newBacklog();
  let order = 0;
  for (const [i, { weight, jobs }] of stores.entries()) {
    for (let n = 0; n < jobs; n++) {
      const line = `${weight}:t${i}`;
      joinLine(backlog, { jobId: `${line}#${String(n).padStart(3, '0')}`, line, order: ++order, bytes: 1 }, false);
    }
  }
  return backlog;
}

function feed(backlog: Backlog, many: number): string[] {
  const fed: string[] = [];
  takeNext(backlog, many, (jobId) => {
    fed.push(jobId);
    return { bytes: 1 };
  });
  return fed;
}

/** What each waiting job is told. */
function places(backlog: Backlog): Map<string, number> {
  const lines = [...backlog.starts].map(([line, start]) => ({ line, start, jobs: backlog.lines.get(line)!.size }));
  const told = new Map<string, number>();
  for (const [line, jobs] of backlog.lines) {
    [...jobs.keys()].forEach((jobId, before) => told.set(jobId, jobsAhead(line, before, lines)));
  }
  return told;
}

describe('a place in line', () => {
  const store = fc.record({ weight: fc.constantFrom(0.25, 1, 3, 4, 16), jobs: fc.integer({ min: 1, max: 30 }) });

  it('is the number of those that are fed before, if nobody comes', () => {
    fc.assert(
      fc.property(fc.array(store, { minLength: 1, maxLength: 8 }), fc.nat({ max: 40 }), (stores, fedBefore) => {
        const backlog = fill(stores);
        feed(backlog, fedBefore);
        const told = places(backlog);
        const fed = feed(backlog, told.size);
        // Virtual starts of thirds may be a rounding apart from where they would be equal.
        const slack = stores.some(({ weight }) => weight === 3) ? stores.length : 0;
        fed.forEach((jobId, ahead) => expect(Math.abs(told.get(jobId)! - ahead)).toBeLessThanOrEqual(slack));
      }),
      { numRuns: 2_000 },
    );
  });

  it('in the only line is the number of those that came before', () => {
    const backlog = fill([{ weight: 0.25, jobs: 20 }]);
    feed(backlog, 7);
    expect([...places(backlog).values()]).toEqual(Array.from({ length: 13 }, (_, i) => i));
  });

  it('in a line that began to wait since the last look is that in the line', () => {
    expect(jobsAhead('1:new', 3, [{ line: '1:old', start: 0, jobs: 9 }])).toBe(3);
  });
});

describe('the expected start', () => {
  const NOW = 1_800_000_000_000;

  it('follows the starts of the last minute; those that came back do not count', () => {
    const starts = new Map<number, number>();
    expect(startsPerSecond(starts, NOW)).toBeUndefined();
    for (let s = 0; s <= 300; s++) countStarts(starts, 12, NOW + s * 1_000);
    for (let s = 0; s <= 300; s++) if (s > 200) countStarts(starts, -2, NOW + 300_000);
    expect(starts.size).toBeLessThanOrEqual(61);
    const perSecond = startsPerSecond(starts, NOW + 300_999)!;
    expect(perSecond).toBeGreaterThan(7);
    expect(perSecond).toBeLessThan(11);
    expect(startsPerSecond(starts, NOW + 400_000)).toBeUndefined();
  });

  it.each([
    ['by the pace', 30, 10, 0, 3_000],
    ['not before the gate opens', 1, 10, 20_000, 20_000],
    ['unknown before anything has started', 5, undefined, 0, undefined],
  ])('is %s', (_, place, perSecond, shutMs, expected) => {
    expect(expectedStartMs(place, perSecond, shutMs)).toBe(expected);
  });
});
