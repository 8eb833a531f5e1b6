/** Where a consumer group of a stream stands. Ids as Redis writes them: `milliseconds-number`. */
export interface ConsumerGroupPlace {
  lastDelivered: string;
  /** The oldest entry that was handed out and not acknowledged; absent: there is none. */
  oldestPending?: string;
}

/**
 * The id below which nobody will read again: every consumer group has acknowledged what is older. Undefined when there is
 * no consumer group: then nothing may go. A place read a moment ago is on the safe side, since places only move on.
 */
export function ledgerBound(places: readonly ConsumerGroupPlace[]): string | undefined {
  const bounds = places.map(({ oldestPending, lastDelivered }) => oldestPending ?? idAfter(lastDelivered));
  return bounds.length === 0 ? undefined : bounds.reduce((least, each) => (isBefore(each, least) ? each : least));
}

function idAfter(id: string): string {
  const [ms, number] = partsOf(id);
  return `${ms}-${number + 1n}`;
}

export function isBefore(a: string, b: string): boolean {
  const [aMs, aNumber] = partsOf(a);
  const [bMs, bNumber] = partsOf(b);
  return aMs === bMs ? aNumber < bNumber : aMs < bMs;
}

/** Both are 64-bit. */
function partsOf(id: string): [bigint, bigint] {
  const [ms = '0', number = '0'] = id.split('-');
  return [BigInt(ms), BigInt(number)];
}
