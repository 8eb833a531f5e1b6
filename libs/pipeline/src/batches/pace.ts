const SPAN_MS = 500;

/** How fast a count goes up, over the last half second or so. */
export class Pace {
  perSecond = 0;
  private from: { count: number; atMs: number } | undefined;

  /** @param atMs monotonic */
  see(count: number, atMs: number): void {
    this.from ??= { count, atMs };
    const { count: before, atMs: beganMs } = this.from;
    if (atMs - beganMs < SPAN_MS) return;
    this.perSecond = (1_000 * (count - before)) / (atMs - beganMs);
    this.from = { count, atMs };
  }
}
