import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { peakAfter, refusedSlots, type SlotUse } from './slot-shares.js';

const use = (deploymentId: string, calls: number, peak = calls): SlotUse => ({ deploymentId, calls, peak });

const takenBy = (uses: readonly SlotUse[]): number => uses.reduce((sum, { calls }) => sum + calls, 0);
const IDLE = ['b', 'c', 'd', 'e', 'f', 'g'].map((id) => use(id, 0));

describe('the slots of a worker', () => {
  it.each<[string, number, SlotUse[], string[]]>([
    ['a lone deployment has them all', 10, [use('a', 9)], []],
    ['nobody is refused while half are free', 10, [use('slow', 4), use('quick', 0)], []],
    ['one is kept for who needs none', 10, [use('slow', 9), use('idle', 0, 0)], ['slow']],
    ['nor more than one', 10, [use('slow', 8), use('idle', 0, 0)], []],
    ['what the quick one needed is kept', 100, [use('slow', 84), use('quick', 0, 15)], ['slow']],
    ['not more', 100, [use('slow', 83), use('quick', 0, 15)], []],
    ['and not more than its own share', 100, [use('slow', 74), use('quick', 0, 90)], []],
    ['that is half of the slots', 100, [use('slow', 75), use('quick', 0, 90)], ['slow']],
    ['who is below the own share is not refused', 100, [use('a', 24), use('b', 76)], ['b']],
    ['nothing is kept for those that need nothing but one slot', 20, [use('a', 9), ...IDLE], []],
  ])('%s', (_, slots, uses, refused) => {
    expect(refusedSlots(slots, takenBy(uses), uses)).toEqual(refused);
  });

  it('are never all with one of several, whoever comes, in whatever order and however long it stays', () => {
    const step = fc.record({ of: fc.nat({ max: 4 }), leaves: fc.boolean(), afterMs: fc.nat({ max: 3_000 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 2, max: 5 }),
        fc.array(step, { maxLength: 300, size: 'max' }),
        (slots, many, steps) => {
          let uses = Array.from({ length: many }, (_, i) => use(String(i), 0));
          for (const { of, leaves, afterMs } of steps) {
            const before = uses;
            const taken = takenBy(uses);
            const refused = refusedSlots(slots, taken, uses);
            const i = of % many;
            const ownShare = Math.max(1, Math.floor(slots / 2 / many));
            const { calls } = uses[i]!;
            if (calls < ownShare && refused.includes(String(i))) throw new Error('Its own share is its own.');
            // (The slow one never leaves.)
            const change = leaves && i > 0 && calls > 0 ? -1 : taken < slots && !refused.includes(String(i)) ? 1 : 0;
            uses = before.map((u, n) => {
              const now = n === i ? u.calls + change : u.calls;
              return use(u.deploymentId, now, peakAfter(u.peak, now, afterMs));
            });
            const most = Math.max(...uses.map((u) => u.calls));
            if (most >= slots) throw new Error('One has them all.');
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are given back by a deployment that is not needed any more: the peak sinks', () => {
    expect(peakAfter(40, 0, 5_000)).toBe(20);
    expect(peakAfter(40, 0, 60_000)).toBeLessThan(0.01);
    expect(peakAfter(3, 8, 1)).toBe(8);
  });
});
