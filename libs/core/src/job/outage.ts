/** What is known of a group that failures alone have shut, from the jobs that wait this out in its backlog. Unix ms. */
export interface Outage {
  sinceMs: number;
  /** When a job was last given back because of it. */
  seenMs: number;
}

/** One of the jobs looks every five seconds, and takes a moment to come to it. */
const SEEN_FOR_MS = 8_000;

/** A job is given back that has known of the outage since then. */
export function noteOutage(known: Outage | undefined, sinceMs: number, nowMs: number): Outage {
  const goesOn = known !== undefined && nowMs - known.seenMs <= SEEN_FOR_MS;
  return { sinceMs: goesOn ? Math.min(known.sinceMs, sinceMs) : sinceMs, seenMs: nowMs };
}

/**
 * Whether a call that nobody has begun has waited an outage out for as long as its caller may be kept: behind jobs that are
 * patient it is not begun before they are, and so no worker tells its caller.
 */
export function hasWaitedOut(
  known: Outage | undefined,
  call: { acceptedAtMs: number; outageWaitMs: number },
  nowMs: number,
): boolean {
  const sinceMs = waitsSince(known, call.acceptedAtMs, nowMs);
  return sinceMs !== undefined && nowMs - sinceMs >= call.outageWaitMs;
}

/** Undefined when nobody has met the outage lately. */
export function waitsSince(known: Outage | undefined, acceptedAtMs: number, nowMs: number): number | undefined {
  if (known === undefined || nowMs - known.seenMs > SEEN_FOR_MS) return undefined;
  return Math.max(known.sinceMs, acceptedAtMs);
}
