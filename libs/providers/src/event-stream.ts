import type { Failure } from '@sluice/core';
import type { Call, StreamEvent, StreamReader } from './adapter.js';
import { SseReader } from './sse-reader.js';
import { StreamOutcome } from './stream-outcome.js';

/** What the readers of server-sent events share: bytes go in, events come out, and the outcome says how it ended. */
export abstract class EventStream implements StreamReader {
  protected readonly outcome: StreamOutcome;
  protected out: StreamEvent[] = [];
  private readonly sse: SseReader;

  constructor(call: Call, wantedChoices: number) {
    this.outcome = new StreamOutcome(call, wantedChoices);
    this.sse = new SseReader((data, event) => {
      if (!this.outcome.isClosed) this.read(data, event);
    });
  }

  push(bytes: Uint8Array): StreamEvent[] {
    if (!this.sse.push(bytes)) this.fail({ kind: 'malformed', message: 'A line of the stream is longer than 16 MiB' });
    return this.taken();
  }

  end(): StreamEvent[] {
    this.sse.end();
    this.outcome.ended(this.out);
    return this.taken();
  }

  /** One event, while the outcome is open. @param event its name */
  protected abstract read(data: string, event: string | undefined): void;

  protected fail(failure: Failure): void {
    this.outcome.failed(failure, this.out);
  }

  private taken(): StreamEvent[] {
    const events = this.out;
    this.out = [];
    return events;
  }
}
