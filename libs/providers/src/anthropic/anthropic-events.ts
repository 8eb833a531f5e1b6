import type { Call } from '../adapter.js';
import { failureInBand } from '../classify-failure.js';
import { EventStream } from '../event-stream.js';
import { recordOf } from '../provider-error.js';
import type { HeaderMap } from '../retry-hint.js';
import { mergedUsage, usageOf, type AnthropicUsage } from './stop-reason.js';

export type Json = Record<string, unknown>;

/** Claude's events, parsed and counted. Goes by `data.type`, whatever the `event:` line says. */
export abstract class AnthropicEvents extends EventStream {
  private usage: AnthropicUsage | undefined;

  constructor(
    call: Call,
    private readonly headers: HeaderMap,
    private readonly nowMs: number,
  ) {
    super(call, 1);
  }

  /** An event that is none of the stream's own: not its errors, nor its end. */
  protected abstract take(event: Json, data: string): void;

  protected read(data: string): void {
    let event: Json | undefined;
    try {
      event = recordOf(JSON.parse(data));
    } catch {
      // Told below.
    }
    if (event === undefined) {
      this.fail({ kind: 'malformed', message: 'A data line of the stream is not a JSON object' });
      return;
    }
    if (event['type'] === 'message_stop') this.outcome.done(this.out);
    else if (event['type'] === 'error') this.fail(failureInBand(event, this.headers, this.nowMs));
    else this.take(event, data);
  }

  /** An event of a type that nobody knows: an error, if it has one. */
  protected unknown(event: Json): void {
    if (recordOf(event['error']) !== undefined) this.fail(failureInBand(event, this.headers, this.nowMs));
  }

  protected count(usage: unknown): void {
    this.usage = mergedUsage(this.usage, usage);
    this.outcome.usage = usageOf(this.usage);
  }
}
