import type { Deployment } from '@sluice/core';
import type { Call, Finish } from '../adapter.js';
import { recordOf } from '../provider-error.js';
import type { HeaderMap } from '../retry-hint.js';
import { AnthropicEvents, type Json } from './anthropic-events.js';
import { chatParams } from './chat-params.js';
import { JSON_TOOL, usesJsonTool } from './chat-tools.js';
import { modelTraitsOf } from './model-traits.js';
import { finishOfStop } from './stop-reason.js';

/** A content block that is open. `rank`: place among the tool calls; -1: the JSON tool, whose arguments are content. */
interface OpenBlock {
  type: unknown;
  rank: number;
  thinking: string;
  signature: string;
  /** Tool input that stood in the block's start, and whether any came since. */
  input: unknown;
  hasInput: boolean;
}

/**
 * Claude's events as chat completion chunks. Ignores events, blocks and
 * deltas that it does not know. Thoughts stream as reasoning_content; each whole thinking block follows once, with its
 * signature, as thinking_blocks: the form in which it can be sent back. Source: WIRE.md 7.
 */
export class AnthropicStreamReader extends AnthropicEvents {
  private readonly before: string;
  private readonly after: string;
  private readonly isJsonAsked: boolean;
  private readonly blocks = new Map<unknown, OpenBlock>();
  private toolCalls = 0;

  constructor(call: Call, deployment: Deployment, headers: HeaderMap, nowMs: number) {
    super(call, headers, nowMs);
    this.isJsonAsked = usesJsonTool(chatParams(call, deployment).body, modelTraitsOf(deployment));
    const wantsUsage = recordOf(call.body['stream_options'])?.['include_usage'] === true;
    this.before =
      `{"id":${JSON.stringify(call.id)},"object":"chat.completion.chunk","created":${call.createdAt},` +
      `"model":${JSON.stringify(call.model)},"choices":[{"index":0,"delta":{`;
    this.after = wantsUsage ? '}],"usage":null}' : '}]}';
  }

  protected take(event: Json): void {
    switch (event['type']) {
      case 'content_block_delta':
        this.delta(event['index'], recordOf(event['delta']) ?? {});
        break;
      case 'content_block_start':
        this.blockStart(event['index'], recordOf(event['content_block']) ?? {});
        break;
      case 'content_block_stop':
        this.blockStop(event['index']);
        break;
      case 'message_start':
        this.outcome.sawChoice(0);
        this.count(recordOf(event['message'])?.['usage']);
        break;
      case 'message_delta':
        this.count(event['usage']);
        this.stopReason(recordOf(event['delta'])?.['stop_reason']);
        break;
      default:
        this.unknown(event);
    }
  }

  private blockStart(index: unknown, content: Json): void {
    const block: OpenBlock = {
      type: content['type'],
      rank: -1,
      thinking: '',
      signature: '',
      input: content['input'],
      hasInput: false,
    };
    this.blocks.set(index, block);
    switch (content['type']) {
      case 'text':
        this.text(content['text']);
        break;
      case 'thinking':
        this.thought(block, content['thinking']);
        if (typeof content['signature'] === 'string') block.signature = content['signature'];
        break;
      case 'redacted_thinking':
        this.emit(
          `"thinking_blocks":[{"type":"redacted_thinking","data":${JSON.stringify(content['data'] ?? '')}}]`,
          1,
        );
        break;
      case 'tool_use': {
        if (this.isJsonAsked && content['name'] === JSON_TOOL) break;
        block.rank = this.toolCalls++;
        const name = typeof content['name'] === 'string' ? content['name'] : '';
        const call = `{"index":${block.rank},"id":${JSON.stringify(content['id'] ?? '')},"type":"function","function":{"name":${JSON.stringify(name)},"arguments":""}}`;
        this.emit(`"tool_calls":[${call}]`, name.length);
        break;
      }
      default:
    }
  }

  private delta(index: unknown, delta: Json): void {
    const block = this.blocks.get(index);
    switch (delta['type']) {
      case 'text_delta':
        this.text(delta['text']);
        break;
      case 'thinking_delta':
        if (block !== undefined) this.thought(block, delta['thinking']);
        break;
      case 'signature_delta':
        if (block !== undefined && typeof delta['signature'] === 'string') block.signature += delta['signature'];
        break;
      case 'input_json_delta':
        if (block?.type === 'tool_use') this.toolInput(block, delta['partial_json']);
        break;
      default:
    }
  }

  private blockStop(index: unknown): void {
    const block = this.blocks.get(index);
    if (block === undefined) return;
    this.blocks.delete(index);
    if (block.type === 'tool_use' && !block.hasInput) this.toolInput(block, JSON.stringify(block.input ?? {}));
    if (block.type === 'thinking' && block.signature !== '') {
      const { thinking, signature } = block;
      this.emit(`"thinking_blocks":[${JSON.stringify({ type: 'thinking', thinking, signature })}]`, 0);
    }
  }

  private text(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.emit(`"content":${JSON.stringify(text)}`, text.length);
  }

  private thought(block: OpenBlock, text: unknown): void {
    if (typeof text !== 'string' || text === '') return;
    block.thinking += text;
    this.emit(`"reasoning_content":${JSON.stringify(text)}`, text.length);
  }

  private toolInput(block: OpenBlock, piece: unknown): void {
    if (typeof piece !== 'string' || piece === '') return;
    block.hasInput = true;
    if (block.rank === -1) this.text(piece);
    else {
      const call = `{"index":${block.rank},"function":{"arguments":${JSON.stringify(piece)}}}`;
      this.emit(`"tool_calls":[${call}]`, piece.length);
    }
  }

  private stopReason(native: unknown): void {
    if (typeof native !== 'string' || this.outcome.hasFinished(0)) return;
    const finish: Finish = finishOfStop(native);
    if (finish.reason === 'tool_calls' && this.toolCalls === 0) finish.reason = 'stop';
    const text = `${this.before}},"finish_reason":"${finish.reason}","native_finish_reason":${JSON.stringify(native)}${this.after}`;
    this.outcome.chunk({ kind: 'chunk', text, hasContent: false, contentChars: 0, finishes: [finish] }, this.out);
  }

  private emit(members: string, contentChars: number): void {
    if (this.outcome.hasFinished(0)) return;
    const text = `${this.before}${members}},"finish_reason":null${this.after}`;
    this.outcome.chunk({ kind: 'chunk', text, hasContent: true, contentChars, finishes: [] }, this.out);
  }
}
