/** Calls that hold a connection, so that a shutdown can let them finish for a while and then end each with an error. */
export class OpenCalls {
  private readonly calls = new Set<OpenCall>();
  private whenIdle: (() => void) | undefined;
  isDraining = false;

  add(call: OpenCall): void {
    this.calls.add(call);
  }

  delete(call: OpenCall): void {
    this.calls.delete(call);
    if (this.calls.size === 0) this.whenIdle?.();
  }

  get size(): number {
    return this.calls.size;
  }

  /** Streams get `streamMs`, JSON calls `jsonMs`; what is then left is cut with `shutting_down`. Its job goes on. */
  async drain(streamMs: number, jsonMs: number): Promise<void> {
    this.isDraining = true;
    const idle = new Promise<void>((resolve) => (this.whenIdle = resolve));
    if (this.calls.size === 0) return;
    const timers = [
      setTimeout(() => this.cut((call) => call.isStream), streamMs),
      setTimeout(() => this.cut(() => true), jsonMs),
    ];
    await idle;
    for (const timer of timers) clearTimeout(timer);
  }

  private cut(which: (call: OpenCall) => boolean): void {
    for (const call of this.calls) if (which(call)) call.shutDown();
  }
}

export interface OpenCall {
  readonly isStream: boolean;
  shutDown: () => void;
}
