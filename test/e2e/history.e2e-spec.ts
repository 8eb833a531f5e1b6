import { describe, expect, it } from '@jest/globals';
import { History } from '../support/history.js';

/** The checker of the fault tests is itself tried on histories that break each promise. */
describe('the history checker', () => {
  const history = (write: (history: History) => void): string[] => {
    const written = new History();
    write(written);
    return written.violations({ whole: 'all of it' }).map((sentence) => sentence.slice(0, 2));
  };

  it('finds nothing where each call has its one outcome', () => {
    const found = history((h) => {
      for (const tag of ['a', 'b']) h.accepted(tag);
      h.asked('a', 1);
      h.delivered('a', 'completed', 'all of it', 2);
      h.delivered('a', 'completed', 'all of it', 9);
      h.delivered('b', 'failed', 'no_capacity', 3);
    });
    expect(found).toEqual([]);
  });

  it.each<[string, string, (h: History) => void]>([
    ['I2', 'an accepted call without an outcome', (h) => h.accepted('a')],
    [
      'I1',
      'two outcomes',
      (h) => {
        h.delivered('a', 'failed', 'provider_error', 1);
        h.delivered('a', 'completed', 'all of it', 2);
      },
    ],
    [
      'I3',
      'a provider call after the outcome',
      (h) => {
        h.delivered('a', 'completed', 'all of it', 1);
        h.asked('a', 2);
      },
    ],
    ['I4', 'a part that looks like the whole', (h) => h.delivered('a', 'completed', 'all of', 1)],
  ])('%s: finds %s', (invariant, _what, write) => {
    expect(history(write)).toEqual([invariant]);
  });
});
