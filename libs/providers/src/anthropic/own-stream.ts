import type { Failure } from '@sluice/core';
import type { Call, StreamEvent, StreamReader } from '../adapter.js';
import { failureInBand } from '../classify-failure.js';
import { recordOf } from '../provider-error.js';
import type { HeaderMap } from '../retry-hint.js';
import { SseReader } from '../sse-reader.js';
import { StreamOutcome } from '../stream-outcome.js';
import { ownMessageId } from './own-answer.js';
import { finishOfStop, mergedUsage, usageOf, type AnthropicUsage } from './stop-reason.js';

type Json = Record<string, unknown>;

/**
 * Reads the events of a Message for a client of Messages: they pass as they are, unknown blocks and deltas too, with id and
 * model ours. Ping and message_stop are not passed on: whoever writes the client's events writes those.
 */
export class AnthropicOwnStreamReader implements StreamReader {
  private readonly outcome: StreamOutcome;
  private readonly sse: SseReader;
  private out: StreamEvent[] = [];
  private usage: AnthropicUsage | undefined;

  constructor(
    private readonly call: Call,
    private readonly headers: HeaderMap,
    private readonly nowMs: number,
  ) {
    this.outcome = new StreamOutcome(call, 1);
    this.sse = new SseReader((data) => this.read(data));
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

  private taken(): StreamEvent[] {
    const events = this.out;
    this.out = [];
    return events;
  }

  private fail(failure: Failure): void {
    this.outcome.failed(failure, this.out);
  }

  private read(data: string): void {
    if (this.outcome.isClosed) return;
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
    const text = data.includes('\n') ? data.replaceAll('\n', ' ') : data;
    switch (event['type']) {
      case 'message_start':
        this.start(event);
        break;
      case 'content_block_start':
        this.pass(text, charsOfBlock(recordOf(event['content_block']) ?? {}));
        break;
      case 'content_block_delta':
        this.pass(text, charsOfDelta(recordOf(event['delta']) ?? {}));
        break;
      case 'content_block_stop':
        this.pass(text, undefined);
        break;
      case 'message_delta':
        this.count(event['usage']);
        this.stop(recordOf(event['delta'])?.['stop_reason'], text);
        break;
      case 'message_stop':
        this.outcome.done(this.out);
        break;
      case 'error':
        this.fail(failureInBand(event, this.headers, this.nowMs));
        break;
      default:
        if (recordOf(event['error']) !== undefined) this.fail(failureInBand(event, this.headers, this.nowMs));
    }
  }

  private start(event: Json): void {
    const { call } = this;
    this.outcome.sawChoice(0);
    const message = { ...recordOf(event['message']), id: ownMessageId(call), model: call.model };
    this.count(recordOf(message)?.['usage']);
    this.pass(JSON.stringify({ ...event, message }), undefined);
  }

  private count(usage: unknown): void {
    this.usage = mergedUsage(this.usage, usage);
    this.outcome.usage = usageOf(this.usage);
  }

  private stop(native: unknown, text: string): void {
    if (typeof native !== 'string' || this.outcome.hasFinished(0)) return;
    const finish = finishOfStop(native);
    this.outcome.chunk({ kind: 'chunk', text, hasContent: false, contentChars: 0, finishes: [finish] }, this.out);
  }

  /** @param contentChars undefined: no content */
  private pass(text: string, contentChars: number | undefined): void {
    if (this.outcome.hasFinished(0)) return;
    const hasContent = contentChars !== undefined;
    this.outcome.chunk({ kind: 'chunk', text, hasContent, contentChars: contentChars ?? 0, finishes: [] }, this.out);
  }
}

/** A block that begins empty says nothing yet; one of a kind that we do not know may be all there is. */
function charsOfBlock(block: Json): number | undefined {
  switch (block['type']) {
    case 'text':
    case 'thinking':
      return lengthOf(block['text'] ?? block['thinking']) || undefined;
    case 'tool_use':
      return lengthOf(block['name']);
    default:
      return 0;
  }
}

function charsOfDelta(delta: Json): number {
  return lengthOf(delta['text'] ?? delta['thinking'] ?? delta['partial_json']);
}

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0);
