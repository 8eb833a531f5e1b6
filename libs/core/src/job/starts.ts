/** Jobs that left the backlog and did not come back, in spans of a second: how fast a group goes when calls wait. */
export type Starts = Map<number, number>;

export const SPAN_MS = 1_000;
/** A minute. */
export const SPANS = 60;

/** The twin of `count_starts` in `backlog-lines.lua`. @param many below 0: so many came back */
export function countStarts(starts: Starts, many: number, nowMs: number): void {
  const span = Math.floor(nowMs / SPAN_MS);
  const sum = (starts.get(span) ?? 0) + many;
  starts.set(span, sum);
  if (sum !== many) return;
  for (const old of starts.keys()) if (old <= span - SPANS) starts.delete(old);
}

/** Over the last minute, or since the first start in it; undefined when there was none. */
export function startsPerSecond(starts: ReadonlyMap<number, number>, nowMs: number): number | undefined {
  const span = Math.floor(nowMs / SPAN_MS);
  let sum = 0;
  let firstMs = Infinity;
  for (const [of, many] of starts) {
    if (of <= span - SPANS || of > span) continue;
    sum += many;
    firstMs = Math.min(firstMs, of * SPAN_MS);
  }
  return sum > 0 ? sum / Math.max(1, (nowMs - firstMs) / 1_000) : undefined;
}
