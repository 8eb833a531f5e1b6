/** Of what a group's workers run at a time, batches take so much at most: the rest stands free for calls that somebody waits for. */
const SHARE = 0.5;
/** Each batch goes on, however many there are. */
const LEAST = 8;

/**
 * How many lines of one batch may be jobs at a time.
 * @param capacity jobs that run at a time in all workers of a group
 * @param batches that run beside each other, this one included
 */
export const batchWindow = (capacity: number, batches: number): number =>
  Math.max(LEAST, Math.floor((capacity * SHARE) / Math.max(1, batches)));
