import type { AnswerIdentity, EventFold } from '../endpoints/presentation.js';
import type { ApiError } from '../error-body.js';
import { eachData } from '../sse.js';
import { LaterBlocks } from './later-blocks.js';
import { messageId, messageUsage, stopReasonOf } from './message-parts.js';
import { messagesErrorBody } from './messages-error.js';
import { objectOf, textOf, type Json } from './read-block.js';

type BlockType = 'text' | 'thinking' | 'tool_use' | 'native';

/**
 * A job's stream as the events of Anthropic's Messages: blocks from 0 that never overlap. The stream holds chat chunks, or,
 * where an Anthropic deployment answers a Messages call, its own events, which pass with all that chat has no words for; an
 * answer that broke off there and was gone on with has both, the chunks behind the events, in the block that was open.
 *
 *     (nothing) ── first event ──► message_start, ping ──► [ block_start, deltas, block_stop ]* ──► message_delta, message_stop
 */
export class MessageEvents implements EventFold {
  private out = '';
  private hasStarted = false;
  private index = -1;
  private open_: BlockType | undefined;
  /** The tool whose arguments stream; others wait. */
  private tool: number | undefined;
  private readonly later = new LaterBlocks();
  private stop: Json | undefined;
  private nativeUsage: Json | undefined;
  private chatUsage: Json | undefined;
  private model: unknown;

  constructor(private readonly identity: AnswerIdentity) {
    this.model = identity.model;
  }

  /** The head says what the prompt costs, which an Anthropic deployment tells with its first event. */
  open(): string {
    return '';
  }

  push(chatEvents: string): string {
    eachData(chatEvents, (data) => {
      if (data !== '[DONE]') this.read(JSON.parse(data) as Json);
    });
    return this.taken();
  }

  end(rest: string): string {
    const before = this.push(rest);
    this.start();
    this.close();
    for (const block of this.later.all()) {
      this.begin('tool_use', block.opening);
      if (block.kind === 'text') this.delta({ type: 'text_delta', text: block.text });
      else if (block.text !== '') this.delta({ type: 'input_json_delta', partial_json: block.text });
      this.close();
    }
    const delta = this.stop ?? { stop_reason: 'end_turn', stop_sequence: null };
    const usage = this.nativeUsage ?? this.chatUsage ?? messageUsage(undefined);
    this.event('message_delta', { delta, usage });
    this.event('message_stop', {});
    return before + this.taken();
  }

  fail(error: ApiError): string {
    return `event: error\ndata: ${messagesErrorBody(error)}\n\n`;
  }

  private taken(): string {
    const events = this.out;
    this.out = '';
    return events;
  }

  private read(event: Json): void {
    if (typeof event['type'] === 'string') this.readNative(event);
    else this.readChunk(event);
  }

  private readNative(event: Json): void {
    const { type } = event;
    switch (type) {
      case 'message_start':
        this.nativeUsage = objectOf(objectOf(event['message'])?.['usage']);
        this.model = objectOf(event['message'])?.['model'] ?? this.model;
        this.start();
        break;
      case 'content_block_start':
        this.start();
        this.index = event['index'] as number;
        this.open_ = objectOf(event['content_block'])?.['type'] === 'text' ? 'text' : 'native';
        this.pass(event);
        break;
      case 'content_block_stop':
        this.open_ = undefined;
        this.pass(event);
        break;
      case 'message_delta':
        this.stop = objectOf(event['delta']);
        this.nativeUsage = { ...this.nativeUsage, ...withoutNulls(objectOf(event['usage'])) };
        break;
      default:
        this.pass(event);
    }
  }

  private readChunk({ choices, usage, model }: Json): void {
    this.model = model ?? this.model; // of a fallback group that serves: its name
    if (objectOf(usage) !== undefined) this.chatUsage = messageUsage(usage);
    for (const each of Array.isArray(choices) ? choices : []) {
      const choice = objectOf(each) ?? {};
      if ((choice['index'] ?? 0) !== 0) continue;
      this.readDelta(objectOf(choice['delta']) ?? {});
      const finish = choice['finish_reason'];
      if (typeof finish !== 'string') continue;
      this.stop = { stop_reason: stopReasonOf(finish, choice['native_finish_reason']), stop_sequence: null };
      this.nativeUsage = undefined; // an answer that was gone on with is counted as one
    }
  }

  private readDelta(delta: Json): void {
    if (this.tool === undefined) this.thoughts(delta); // behind a tool nobody thinks any more: blocks would overlap
    this.text(textOf(delta['content']));
    this.text(textOf(delta['refusal']));
    for (const call of Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : [])
      this.toolCall(objectOf(call) ?? {});
  }

  private thoughts({ thinking_blocks: whole, reasoning_content: streamed }: Json): void {
    const blocks: unknown[] = Array.isArray(whole) ? whole : [];
    const isAllAtOnce = blocks.length > 0 && this.open_ !== 'thinking';
    if (!isAllAtOnce) this.thought(textOf(streamed));
    for (const each of blocks) this.wholeThought(objectOf(each) ?? {});
  }

  private thought(thinking: string): void {
    if (thinking === '') return;
    this.inBlock('thinking', { type: 'thinking', thinking: '', signature: '' });
    this.delta({ type: 'thinking_delta', thinking });
  }

  /** Comes when a thought is over: with its signature, or hidden altogether. */
  private wholeThought(block: Json): void {
    if (block['type'] !== 'thinking') {
      this.begin('thinking', block);
      this.close();
      return;
    }
    if (this.open_ !== 'thinking') this.thought(textOf(block['thinking']) || ' ');
    this.delta({ type: 'signature_delta', signature: textOf(block['signature']) });
    this.close();
  }

  private text(text: string): void {
    if (text === '') return;
    if (this.tool !== undefined) return this.later.text(text);
    this.inBlock('text', { type: 'text', text: '' });
    this.delta({ type: 'text_delta', text });
  }

  /** The first tool streams; nobody says when it is whole, so what comes besides waits for the end. */
  private toolCall(call: Json): void {
    const { name, arguments: args } = objectOf(call['function']) ?? {};
    const index = typeof call['index'] === 'number' ? call['index'] : 0;
    if (this.tool === undefined) {
      this.tool = index;
      this.begin('tool_use', { type: 'tool_use', id: textOf(call['id']), name: textOf(name), input: {} });
    }
    if (index !== this.tool) this.later.toolCall(index, textOf(call['id']), textOf(name), textOf(args));
    else if (textOf(args) !== '') this.delta({ type: 'input_json_delta', partial_json: args });
  }

  private inBlock(type: BlockType, opening: Json): void {
    if (this.open_ !== type) this.begin(type, opening);
  }

  private begin(type: BlockType, block: Json): void {
    this.start();
    this.close();
    this.index++;
    this.open_ = type;
    this.event('content_block_start', { index: this.index, content_block: block });
  }

  private delta(delta: Json): void {
    this.event('content_block_delta', { index: this.index, delta });
  }

  private close(): void {
    if (this.open_ === undefined) return;
    this.open_ = undefined;
    this.event('content_block_stop', { index: this.index });
  }

  private start(): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    this.event('message_start', {
      message: {
        id: messageId(this.identity.jobId),
        type: 'message',
        role: 'assistant',
        model: this.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: this.nativeUsage ?? messageUsage(undefined), // of a chat the count comes with the end
      },
    });
    this.event('ping', {});
  }

  private pass(event: Json): void {
    this.out += `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  private event(type: string, members: Json): void {
    this.pass({ type, ...members });
  }
}

/** Counts so far: `null` says nothing new. */
const withoutNulls = (usage: Json = {}): Json =>
  Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null));
