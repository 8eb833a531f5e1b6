import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isBefore, ledgerBound, type ConsumerGroupPlace } from './ledger-bound.js';

describe('what may be cut off a ledger', () => {
  it.each<[string, ConsumerGroupPlace[], string | undefined]>([
    ['nothing while nobody reads', [], undefined],
    ['nothing while one has read nothing', [{ lastDelivered: '5-0' }, { lastDelivered: '0-0' }], '0-1'],
    ['all that was delivered and acknowledged', [{ lastDelivered: '5-3' }], '5-4'],
    [
      'not what one still has in hand',
      [{ lastDelivered: '9-0', oldestPending: '4-2' }, { lastDelivered: '5-3' }],
      '4-2',
    ],
    ['by number, not by text', [{ lastDelivered: '9-9' }, { lastDelivered: '10-0' }], '9-10'],
  ])('%s', (_, places, bound) => {
    expect(ledgerBound(places)).toBe(bound);
  });

  const id = fc.tuple(fc.nat(3), fc.nat(3)).map(([ms, number]) => `${ms}-${number}`);

  it('never takes an entry that a group has not acknowledged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ lastDelivered: id, oldestPending: fc.option(id, { nil: undefined }) }), { minLength: 1 }),
        id,
        (raw, entry) => {
          const places = raw.map(({ lastDelivered, oldestPending }) =>
            oldestPending === undefined || isBefore(lastDelivered, oldestPending)
              ? { lastDelivered }
              : { lastDelivered, oldestPending },
          );
          const isCut = isBefore(entry, ledgerBound(places)!);
          for (const { lastDelivered, oldestPending } of places) {
            const isUnread = isBefore(lastDelivered, entry);
            const isInHand = oldestPending !== undefined && !isBefore(entry, oldestPending);
            expect(isCut && (isUnread || isInHand)).toBe(false);
          }
        },
      ),
    );
  });
});
