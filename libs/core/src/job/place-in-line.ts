import { weightOf } from './lines.js';

/** A line that waits, as it was a moment ago. */
export interface WaitingLine {
  readonly line: string;
  /** Virtual start of its first job. */
  readonly start: number;
  readonly jobs: number;
}

/** Virtual starts are sums of 1 / weight, which have no exact form. */
const ROUNDING = 1e-9;

/**
 * How many jobs would be fed before the one that stands in that line behind `before` others, if nobody came: those of the
 * own line, and of each other line those whose turn is earlier. Who comes later may still be earlier: a line that begins
 * to wait is served in its first round.
 */
export function jobsAhead(line: string, before: number, lines: readonly WaitingLine[]): number {
  const own = lines.find((other) => other.line === line);
  if (own === undefined) return before; // it began to wait since the lines were looked at
  const turn = own.start + before / weightOf(line);
  let ahead = before;
  for (const { line: other, start, jobs } of lines) {
    if (other === line) continue;
    const earlier = (turn - start) * weightOf(other);
    const wholes = Math.ceil(earlier - ROUNDING);
    const isTie = Math.abs(earlier - wholes) <= ROUNDING && other < line; // as Redis orders what is equal
    ahead += Math.min(jobs, Math.max(0, isTie ? wholes + 1 : wholes));
  }
  return ahead;
}

/**
 * When a job at that place is likely to start, ms from now; undefined as long as nothing has started.
 * @param place 1: the next
 * @param shutMs until the gate opens
 */
export function expectedStartMs(place: number, perSecond: number | undefined, shutMs: number): number | undefined {
  return perSecond === undefined ? undefined : Math.round(Math.max(shutMs, (place / perSecond) * 1_000));
}
