import { describe, expect, it } from '@jest/globals';
import { batchWindow } from './batch-window.js';

describe('the window of a batch', () => {
  it.each([
    ['half of what the workers run', 200, 1, 0, 100],
    ['shared with other batches', 200, 4, 0, 25],
    ['at least a few lines, however many there are', 200, 1_000, 0, 8],
    ['with what has ended and is not counted yet', 200, 1, 800, 300],
    ['which is bounded', 200, 1, 1_000_000, 500],
    ['of slow lines nearly nothing', 200, 1, 20, 105],
  ])('is %s', (_, capacity, batches, perSecond, lines) => {
    expect(batchWindow(capacity, batches, perSecond)).toBe(lines);
  });
});
