import { describe, expect, it } from '@jest/globals';
import { isStorageFull } from './storage-room.js';

describe('storage is full', () => {
  it.each([
    [false, 89, 100, false],
    [false, 90, 100, false],
    [false, 91, 100, true],
    [true, 91, 100, true],
    [true, 86, 100, true],
    [true, 85, 100, false],
    [true, 91, 0, false], // no maxmemory
    [false, 300, 100, true],
  ])('(was: %s, %i of %i): %s', (wasFull, used, max, isFull) => {
    expect(isStorageFull(wasFull, used, max)).toBe(isFull);
  });
});
