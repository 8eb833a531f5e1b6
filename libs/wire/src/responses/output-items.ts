import { recordOf, stringOf } from '../record-of.js';
import { FunctionCalls } from './function-calls.js';
import { annotationsOf } from './annotations.js';
import { logprobsOf } from './logprobs.js';
import { MessageItem } from './message-item.js';
import { ReasoningItem } from './reasoning-item.js';
import type { ItemEnd, Say } from './say.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Puts the output of a response together from the deltas of a chat answer, and says each step of it.
 *
 *     reasoning ⇄ message   one of them is open at a time: the other's first delta closes it
 *     function calls        each open from its first delta to the end, several at once
 *
 * A whole message is a delta like any other, so the answer in one piece and the streamed one end in the same output.
 */
export class OutputItems {
  readonly items: Record<string, unknown>[] = [];
  private open: ReasoningItem | MessageItem | undefined;
  private readonly calls: FunctionCalls;

  /** @param suffix of the response's id: items are told apart by it and their place */
  constructor(
    private readonly suffix: string,
    private readonly say: Say,
  ) {
    this.calls = new FunctionCalls(suffix, this.items, say);
  }

  /** @param logprobs of the choice, beside the delta */
  add(delta: Json, logprobs?: unknown): void {
    const { reasoning_content: reasoning, thinking_blocks: thoughts, content, refusal, tool_calls: calls } = delta;
    if (typeof reasoning === 'string' && reasoning !== '') this.reasoning().addText(reasoning);
    if (Array.isArray(thoughts) && thoughts.length > 0) this.reasoning().addThoughts(thoughts);
    if (typeof content === 'string' && content !== '') this.message().addText(content, logprobsOf(logprobs));
    for (const annotation of annotationsOf(delta['annotations'])) this.message().annotate(annotation);
    if (typeof refusal === 'string' && refusal !== '') this.message().addRefusal(refusal);
    if (!Array.isArray(calls)) return;
    for (const [position, each] of calls.entries()) {
      const call = recordOf(each);
      if (call === undefined) continue;
      this.closeOpen('completed');
      const made = recordOf(call['function']) ?? {};
      this.calls.add(typeof call['index'] === 'number' ? call['index'] : position, {
        callId: stringOf(call['id']),
        name: stringOf(made['name']),
        args: stringOf(made['arguments']),
      });
    }
  }

  /** The model has stopped. @param status of what was being written */
  finish(status: ItemEnd): void {
    this.closeOpen(status);
    this.calls.close(status);
  }

  /** The answer broke off: what there is stays as it is, and nothing more is said of it. */
  breakOff(): void {
    for (const item of this.items) if (item['status'] === 'in_progress') item['status'] = 'incomplete';
  }

  private reasoning(): ReasoningItem {
    if (this.open instanceof ReasoningItem) return this.open;
    this.closeOpen('completed');
    const item = new ReasoningItem(this.suffix, this.items.length, this.say);
    this.items.push(item.item);
    this.open = item;
    return item;
  }

  private message(): MessageItem {
    if (this.open instanceof MessageItem) return this.open;
    this.closeOpen('completed');
    const item = new MessageItem(this.suffix, this.items.length, this.say);
    this.items.push(item.item);
    this.open = item;
    return item;
  }

  private closeOpen(status: ItemEnd): void {
    this.open?.close(status);
    this.open = undefined;
  }
}
