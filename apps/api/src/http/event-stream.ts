/** Of every stream of events (API.md 1.7): neither a cache nor a proxy may hold it back. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** A reader that leaves so much unread for `laggingMs` is cut: its memory is everybody's. */
const LAGGING_BYTES = 256 * 1024;

/** Whether a reader has lagged for too long; asked after each write, and now and then. */
export class Lag {
  private sinceMs: number | undefined;

  constructor(private readonly laggingMs: number) {}

  isTooLong(unreadBytes: number): boolean {
    if (unreadBytes < LAGGING_BYTES) this.sinceMs = undefined;
    else this.sinceMs ??= performance.now();
    return this.sinceMs !== undefined && performance.now() - this.sinceMs > this.laggingMs;
  }
}
