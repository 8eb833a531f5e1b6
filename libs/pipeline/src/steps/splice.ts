import type { Failure, Seam } from '@sluice/core';
import type { Call, StreamEvent } from '@sluice/providers';
import { textChunk, type DeliveredAnswer } from '@sluice/wire';

type Chunk = Extract<StreamEvent, { kind: 'chunk' }>;

interface ParsedChunk {
  choices?: { index?: number; delta?: Record<string, unknown>; finish_reason?: unknown }[];
}

/**
 * Takes out of the chunks of a second answer what callers have already: text up to the seam, and reasoning, which is sent
 * once. All else passes: tool calls that come after the text are the second answer's own.
 */
export class Splice {
  constructor(
    private readonly seam: Seam,
    private readonly delivered: DeliveredAnswer,
    private readonly call: Call,
    private readonly withUsage: boolean,
  ) {}

  get isWhole(): boolean {
    return this.seam.state === 'again';
  }

  take(batch: readonly StreamEvent[]): { events: StreamEvent[]; hasDeparted: boolean } {
    const events: StreamEvent[] = [];
    for (const event of batch) {
      if (event.kind !== 'chunk') events.push(event);
      else if (!this.chunk(event, events)) {
        events.push({ kind: 'failure', failure: DEPARTED });
        return { events, hasDeparted: true };
      }
    }
    return { events, hasDeparted: false };
  }

  /** False when the answer has departed from what was delivered. */
  private chunk(chunk: Chunk, out: StreamEvent[]): boolean {
    const parsed = JSON.parse(chunk.text) as ParsedChunk;
    const delta = parsed.choices?.[0]?.delta;
    if (delta === undefined) {
      out.push(chunk);
      return true;
    }
    const text = typeof delta['content'] === 'string' ? this.seam.push(delta['content']) : '';
    if (text === undefined) return false;
    delete delta['content'];
    delete delta['reasoning_content'];
    if (this.delivered.hasThoughts || this.delivered.text !== '') delete delta['thinking_blocks'];

    const hasMore = Object.values(delta).some((value) => value !== null && value !== '');
    const isLastText = hasMore || chunk.finishes.length > 0;
    const held = isLastText ? this.seam.end() : '';
    if (held === undefined) return false;
    if (text + held !== '') out.push(this.textOf(text + held));
    if (isLastText) {
      out.push({
        ...chunk,
        text: JSON.stringify(parsed),
        hasContent: hasMore,
        contentChars: hasMore ? chunk.contentChars : 0,
      });
    }
    return true;
  }

  private textOf(text: string): Chunk {
    const chunk = textChunk(this.call, text, this.withUsage);
    return { kind: 'chunk', text: chunk, hasContent: true, contentChars: text.length, finishes: [] };
  }
}

const DEPARTED: Failure = {
  kind: 'departed',
  message: 'The answer that was to go on began anew and said something else than what was delivered',
};
