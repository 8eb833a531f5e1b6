import type { Call } from '../adapter.js';
import { recordOf } from '../provider-error.js';
import type { HeaderMap } from '../retry-hint.js';
import { AnthropicEvents, type Json } from './anthropic-events.js';
import { ownMessageId } from './own-answer.js';
import { finishOfStop } from './stop-reason.js';

/**
 * Reads the events of a Message for a client of Messages: they pass as they are, unknown blocks and deltas too, with id and
 * model ours. Ping and message_stop are not passed on: whoever writes the client's events writes those.
 */
export class AnthropicOwnStreamReader extends AnthropicEvents {
  constructor(
    private readonly call: Call,
    headers: HeaderMap,
    nowMs: number,
  ) {
    super(call, headers, nowMs);
  }

  protected take(event: Json, data: string): void {
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
      default:
        this.unknown(event);
    }
  }

  private start(event: Json): void {
    const { call } = this;
    this.outcome.sawChoice(0);
    const message = { ...recordOf(event['message']), id: ownMessageId(call), model: call.model };
    this.count(recordOf(message)?.['usage']);
    this.pass(JSON.stringify({ ...event, message }), undefined);
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
