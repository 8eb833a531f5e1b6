import { batchesThatBreak } from './batches.js';
import { callbacksThatBreak } from './callbacks.js';
import type { Entry } from './entry.js';
import { endsThatBreak } from './one-end.js';
import { callsThatBreak } from './provider-calls.js';
import { streamsThatBreak } from './streams.js';

/**
 * What of a log breaks a promise (FAULTS.md 1), as far as somebody outside can see it: I1, I2, I3, I4, I6. Shares of tenants (I5)
 * and what counts against a breaker (I7) are seen by tests of their own.
 *
 * @param lateMs by which the observer may have been late to see a thing
 * @returns a sentence for each broken promise, which begins with its invariant
 */
export const violationsIn = (log: readonly Entry[], lateMs: number): string[] => [
  ...endsThatBreak(log),
  ...streamsThatBreak(log),
  ...callsThatBreak(log, lateMs),
  ...callbacksThatBreak(log),
  ...batchesThatBreak(log),
];
