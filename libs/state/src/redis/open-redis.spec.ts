import { expect, it } from '@jest/globals';
import { retryDelayMs } from './open-redis.js';

it('tries again after 50 ms, and at the slowest each 2 s', () => {
  expect([1, 2, 3, 6, 7, 100].map(retryDelayMs)).toEqual([50, 100, 200, 1_600, 2_000, 2_000]);
});
