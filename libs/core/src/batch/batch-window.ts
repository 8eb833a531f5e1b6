/** Of what a group's workers run at a time, batches take so much at most: the rest stands free for calls that somebody waits for. */
const SHARE = 0.5;
/** Each batch goes on, however many there are. */
const LEAST = 8;
/** From the end of a line until it is counted: by the ledger into the database. Such lines run no more, and take nobody's room. */
const COUNTED_WITHIN_S = 0.25;

/**
 * How many lines of one batch may be jobs at a time, those that are done and not counted yet among them.
 * @param capacity jobs that run at a time in all workers of a group
 * @param batches that run beside each other, this one included
 * @param perSecond lines of this one that ended of late
 */
export function batchWindow(capacity: number, batches: number, perSecond: number): number {
  const share = Math.max(LEAST, Math.floor((capacity * SHARE) / Math.max(1, batches)));
  return share + Math.min(2 * capacity, Math.floor(perSecond * COUNTED_WITHIN_S));
}
