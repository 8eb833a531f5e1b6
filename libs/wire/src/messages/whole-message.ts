import { eachData } from '../sse.js';
import { inputText } from './message-parts.js';
import { objectOf, textOf, type Json } from './read-block.js';

/** Puts the events of a Message together into the Message that a call without `stream` would have got. */
export class WholeMessage {
  private message: Record<string, unknown> = {};
  private readonly blocks: Record<string, unknown>[] = [];
  /** Arguments of tools, by block: JSON in pieces. */
  private readonly inputs = new Map<number, string>();

  /** @param events SSE bytes of whole events */
  add(events: string): void {
    for (const event of events.split('\n\n')) {
      eachData(event.slice(Math.max(0, event.indexOf('data: '))), (data) => this.read(JSON.parse(data) as Json));
    }
  }

  answer(): Record<string, unknown> {
    for (const [index, text] of this.inputs) this.blocks[index]!['input'] = JSON.parse(inputText(text));
    return { ...this.message, content: this.blocks.filter((block) => block !== undefined) };
  }

  private read(event: Json): void {
    const index = event['index'] as number;
    switch (event['type']) {
      case 'message_start':
        this.message = { ...objectOf(event['message']) };
        break;
      case 'content_block_start':
        this.blocks[index] = { ...objectOf(event['content_block']) };
        break;
      case 'content_block_delta':
        this.delta(index, objectOf(event['delta']) ?? {});
        break;
      case 'message_delta':
        Object.assign(this.message, event['delta']);
        this.message['usage'] = { ...objectOf(this.message['usage']), ...objectOf(event['usage']) };
    }
  }

  private delta(index: number, delta: Json): void {
    const block = (this.blocks[index] ??= {});
    switch (delta['type']) {
      case 'text_delta':
        block['text'] = textOf(block['text']) + textOf(delta['text']);
        break;
      case 'thinking_delta':
        block['thinking'] = textOf(block['thinking']) + textOf(delta['thinking']);
        break;
      case 'signature_delta':
        block['signature'] = textOf(delta['signature']);
        break;
      case 'input_json_delta':
        this.inputs.set(index, (this.inputs.get(index) ?? '') + textOf(delta['partial_json']));
        break;
      case 'citations_delta':
        block['citations'] = [...((block['citations'] as unknown[] | null | undefined) ?? []), delta['citation']];
    }
  }
}
