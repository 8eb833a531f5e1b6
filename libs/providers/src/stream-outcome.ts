import type { Failure } from '@sluice/core';
import type { Call, StreamEvent, Usage } from './adapter.js';
import { estimatedUsage } from './usage.js';

type Chunk = Extract<StreamEvent, { kind: 'chunk' }>;

/**
 * What has come of a stream so far, for every format: which choices were seen and finished, whether content came, what waits
 * for it. It decides the end: complete means that the provider said for each choice why it stopped; then nothing that
 * follows can make it a failure. Source: WIRE.md 2, "Complete".
 *
 *     waiting ── content ──► committed ── all finishes, then [DONE] or end of input ──► end
 *        │                       └── error, or end before the finishes ──► failure with afterTokens
 *        └── error, end, or only filtered finishes ──► failure
 */
export class StreamOutcome {
  isClosed = false;
  /** The provider's own, the newest. */
  usage: Usage | undefined;
  private readonly seen = new Set<number>();
  private readonly finished = new Set<number>();
  private held: Chunk[] = [];
  private contentChunks = 0;
  private contentChars = 0;
  private isFiltered = false;

  constructor(
    private readonly call: Call,
    private readonly wantedChoices: number,
  ) {}

  sawChoice(choice: number): void {
    this.seen.add(choice);
  }

  hasFinished(choice: number): boolean {
    return this.finished.has(choice);
  }

  /** Chunks without content wait for the first content, or for the end of an answer that has none. */
  chunk(chunk: Chunk, out: StreamEvent[]): void {
    if (this.isClosed) return;
    for (const { choice, reason } of chunk.finishes) {
      this.seen.add(choice);
      this.finished.add(choice);
      this.isFiltered ||= reason === 'content_filter';
    }
    if (chunk.hasContent) {
      this.contentChunks++;
      this.contentChars += chunk.contentChars;
    }
    if (this.contentChunks > 0) {
      this.release(out);
      out.push(chunk);
      return;
    }
    this.held.push(chunk);
    if (this.finished.size < this.wantedChoices) return;
    if (this.isFiltered) this.close(filtered(), out);
    else this.release(out);
  }

  /** The provider said that this is all. */
  done(out: StreamEvent[]): void {
    if (this.isClosed) return;
    const isComplete = this.finished.size > 0 && this.finished.size >= this.seen.size;
    if (isComplete) this.succeed(out);
    else
      this.failed(
        { kind: 'stream_broken', message: 'The stream was declared done before the answer had finished' },
        out,
      );
  }

  /** No more bytes, for whatever reason. */
  ended(out: StreamEvent[]): void {
    this.failed({ kind: 'stream_broken', message: 'The stream ended before the answer had finished' }, out);
  }

  failed(failure: Failure, out: StreamEvent[]): void {
    if (this.isClosed) return;
    if (this.isComplete) this.succeed(out);
    else this.close(failure, out);
  }

  private get isComplete(): boolean {
    return this.finished.size >= Math.max(this.wantedChoices, this.seen.size);
  }

  private release(out: StreamEvent[]): void {
    if (this.held.length === 0) return;
    out.push(...this.held);
    this.held = [];
  }

  private succeed(out: StreamEvent[]): void {
    if (this.contentChunks === 0 && this.isFiltered) {
      this.close(filtered(), out);
      return;
    }
    this.release(out);
    this.isClosed = true;
    out.push({ kind: 'usage', usage: this.usage ?? estimatedUsage(this.call, this.contentChars) }, { kind: 'end' });
  }

  /** What a broken answer cost so far is worth knowing, when the provider said it. */
  private close(failure: Failure, out: StreamEvent[]): void {
    this.isClosed = true;
    if (this.usage !== undefined) out.push({ kind: 'usage', usage: this.usage });
    out.push({
      kind: 'failure',
      failure: this.contentChunks > 0 ? { ...failure, afterTokens: this.contentChunks } : failure,
    });
  }
}

const filtered = (): Failure => ({ kind: 'content_filter', message: 'The provider filtered the whole answer' });
