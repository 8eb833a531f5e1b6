import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BACKLOG_DEFAULTS, lineOf } from './backlog-policy.js';
import { joinLine, leaveLine, newBacklog, takeNext, weightOf, type Backlog } from './lines.js';

const RUNS = Number(env['SLUICE_PROPERTY_RUNS'] ?? 2_000);

/** Many backlogs in one: jobs get numbers in order of arrival. */
class Lines {
  readonly backlog: Backlog = newBacklog();
  private arrivals = 0;
  private readonly fed: { jobId: string; line: string; order: number }[] = [];

  join(line: string, many = 1): string[] {
    return Array.from({ length: many }, () => {
      const order = ++this.arrivals;
      const jobId = `${line}#${order}`;
      joinLine(this.backlog, { jobId, line, order, bytes: 1 }, false);
      return jobId;
    });
  }

  feed(many: number): string[] {
    const ids: string[] = [];
    takeNext(this.backlog, many, (jobId) => {
      const [line, order] = jobId.split('#') as [string, string];
      this.fed.push({ jobId, line, order: Number(order) });
      ids.push(line);
      return { bytes: 1 };
    });
    return ids;
  }

  /** The one that was fed last found nothing free. */
  giveBack(): string | undefined {
    const job = this.fed.pop();
    if (job !== undefined) joinLine(this.backlog, { ...job, bytes: 1 }, true);
    return job?.jobId;
  }

  nextId(): string | undefined {
    let found: string | undefined;
    takeNext(structuredClone(this.backlog), 1, (jobId) => {
      found = jobId;
      return { bytes: 1 };
    });
    return found;
  }
}

const countOf = (fed: readonly string[], line: string): number => fed.filter((of) => of === line).length;

describe('the lines of a backlog', () => {
  it('a tenant with thousands of waiting jobs delays the ten of another by ten', () => {
    const lines = new Lines();
    lines.join('1:crowd', 3_000);
    lines.feed(500);
    lines.join('1:few', 10);
    expect(countOf(lines.feed(21), '1:few')).toBe(10);
  });

  it('tiers share by their weights, 16 to 4 to 1, and low goes on while high never ends', () => {
    const lines = new Lines();
    const [high, normal, low] = (['high', 'normal', 'low'] as const).map((t) => lineOf('t', t, BACKLOG_DEFAULTS));
    for (const line of [low!, normal!, high!]) lines.join(line, 500);
    const fed = lines.feed(210);
    for (const [line, share] of [
      [high!, 160],
      [normal!, 40],
      [low!, 10],
    ] as const) {
      expect(Math.abs(countOf(fed, line) - share)).toBeLessThanOrEqual(1);
    }
  });

  it('a weight of the configuration multiplies that of the tier', () => {
    const policy = { tenantWeights: new Map([['acme', 3]]) };
    expect(lineOf('acme', 'high', policy)).toBe('12:acme');
    expect(lineOf('acme', 'low', policy)).toBe('0.75:acme');
    expect(lineOf('a:b', 'normal', policy)).toBe('1:a:b');
  });

  it('who comes back at once has saved nothing up by leaving', () => {
    const lines = new Lines();
    lines.join('1:crowd', 100);
    const fed: string[] = [];
    for (let i = 0; i < 60; i++) {
      if (!lines.backlog.lines.has('1:single')) lines.join('1:single');
      fed.push(...lines.feed(1));
    }
    expect(countOf(fed, '1:single')).toBe(30);
  });

  it('a job that is given back is the next of all, however often, and nobody pays for it twice', () => {
    const lines = new Lines();
    lines.join('1:a', 50);
    lines.join('1:b', 50);
    const fed: string[] = [];
    for (let i = 0; i < 40; i++) {
      lines.feed(1);
      for (let again = 0; again < i % 4; again++) {
        expect(lines.giveBack()).toBe(lines.nextId());
        lines.feed(1);
      }
      fed.push(lines.giveBack()!.split('#')[0]!);
      lines.feed(1);
    }
    expect(countOf(fed, '1:a')).toBe(20);
  });

  it('the last of a line that leaves takes the line with it, and the last of all the clock', () => {
    const lines = new Lines();
    const [first, second] = lines.join('1:a', 2);
    lines.feed(1);
    leaveLine(lines.backlog, first!, '1:a', 1); // fed already
    leaveLine(lines.backlog, second!, '1:a', 1);
    leaveLine(lines.backlog, second!, '1:a', 1);
    expect(lines.backlog).toEqual(newBacklog());
  });

  it('any two that wait all the while get what their weights say, to within one job of each', () => {
    const weight = fc.constantFrom(0.25, 0.5, 1, 3, 4, 16);
    const others = fc.array(fc.record({ at: fc.nat({ max: 200 }), line: fc.nat({ max: 5 }), back: fc.boolean() }));
    fc.assert(
      fc.property(weight, weight, others, fc.integer({ min: 1, max: 200 }), (x, y, visits, many) => {
        const lines = new Lines();
        const [a, b] = [`${x}:a`, `${y}:b`];
        lines.join(a, 300);
        lines.join(b, 300);
        const fed: string[] = [];
        for (let i = 0; i < many; i++) {
          for (const { line } of visits.filter(({ at }) => at === i)) lines.join(`1:other${line}`);
          fed.push(...lines.feed(1));
          if (visits.some(({ at, back }) => at === i && back)) {
            lines.giveBack();
            fed.pop();
            fed.push(...lines.feed(1));
          }
          const apart = countOf(fed, a) / weightOf(a) - countOf(fed, b) / weightOf(b);
          expect(Math.abs(apart)).toBeLessThanOrEqual(1 / x + 1 / y + 1e-9);
        }
      }),
      { numRuns: Math.min(RUNS, 20_000) / 10 },
    );
  });

  it('who begins to wait waits for one job of each other line and weight, whatever these have in store', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 12 }),
        fc.nat({ max: 60 }),
        (stores, before) => {
          const lines = new Lines();
          stores.forEach((many, i) => lines.join(`1:t${i}`, many));
          lines.feed(before);
          lines.join('1:new');
          const fed = lines.feed(stores.length + 1);
          expect(fed).toContain('1:new');
        },
      ),
      { numRuns: RUNS },
    );
  });
});
