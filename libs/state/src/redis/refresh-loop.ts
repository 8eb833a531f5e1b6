/** Reads something of the cluster anew about once a second, off the path of calls. Redis away: what was read last stands. */
export class RefreshLoop {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly refresh: () => Promise<void>,
    private readonly onError: (error: Error) => void,
    private readonly everyMs = 1_000,
  ) {}

  /** Resolves after the first reading, so that the first calls know what others know. */
  async start(): Promise<void> {
    await this.refresh().catch((error: Error) => {
      if (!this.isStopped) this.onError(error); // the connection closes while it is asked
    });
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.start(), this.everyMs);
    this.timer.unref();
  }

  /** May be called twice. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }
}
