import type { GzipInParts } from './gzip-in-parts.js';
import type { Delivery, Step } from './plan.js';
import type { Wire } from './wires.js';

export interface DeliveryEvents {
  headers: () => void;
  /** `chunks` of content in these bytes. */
  sent: (bytes: number, chunks: number) => void;
  /** Hangs; for ever unless something follows. */
  stalled: () => void;
  /** The last thing that is done to the wire. */
  ended: (how: 'completed' | 'cut' | 'reset') => void;
}

/** Does the steps of a delivery at their times. One timer at most; `stop` ends it, and nothing is sent afterwards. */
export class DeliveryRun {
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private hasHead = false;

  constructor(
    private readonly delivery: Delivery,
    private readonly wire: Wire,
    private readonly events: DeliveryEvents,
    /** performance.now() that the delivery's times count from. */
    private startMs: number,
    private readonly options: { gzip?: GzipInParts; resetAfterHeaders: boolean },
  ) {}

  /** Does all that is due, and sets the timer for the rest. */
  readonly go = (): void => {
    const { steps, headersAtMs } = this.delivery;
    if (!this.hasHead) {
      if (this.waitsUntil(headersAtMs)) return;
      if (this.sendHead()) return;
    }
    while (this.next < steps.length) {
      const step = steps[this.next]!;
      if (step.do === 'send' && this.waitsUntil(step.atMs)) return;
      this.next += 1;
      if (this.does(step)) return;
    }
    if (this.options.gzip !== undefined) this.wire.body(this.options.gzip.end());
    this.wire.finish(() => this.events.ended('completed'));
  };

  stop(): void {
    clearTimeout(this.timer);
    this.wire.abandon();
  }

  /** True when it is too early, and the timer is set. */
  private waitsUntil(atMs: number): boolean {
    const waitMs = this.startMs + atMs - performance.now();
    // Timers keep whole milliseconds; half a one early is nearer than half a one late.
    if (waitMs < 0.5) return false;
    if (this.hasHead) this.wire.flush();
    this.timer = setTimeout(this.go, waitMs);
    return true;
  }

  /** True when that was all. */
  private sendHead(): boolean {
    this.hasHead = true;
    const { status, headers, length } = this.delivery;
    this.wire.head(status, headers, length);
    this.events.headers();
    if (!this.options.resetAfterHeaders) return false;
    this.wire.flush();
    this.wire.cut('rst', () => this.events.ended('reset'));
    return true;
  }

  private does(step: Step): boolean {
    switch (step.do) {
      case 'send': {
        const bytes = typeof step.data === 'string' ? Buffer.from(step.data) : step.data;
        const sent = this.options.gzip?.push(bytes) ?? bytes;
        this.wire.body(sent);
        this.events.sent(sent.length, step.chunks);
        return false;
      }
      case 'stall':
        this.wire.flush();
        this.events.stalled();
        if (step.ms === null) return true;
        this.startMs += step.ms;
        this.timer = setTimeout(this.go, step.ms);
        return true;
      case 'cut':
        this.wire.flush();
        this.wire.cut(step.how, () => this.events.ended('cut'));
        return true;
    }
  }
}
