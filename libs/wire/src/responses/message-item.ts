import type { ItemEnd, Say } from './say.js';

interface TextPart {
  type: 'output_text';
  text: string;
  annotations: unknown[];
  logprobs: Record<string, unknown>[];
}

interface RefusalPart {
  type: 'refusal';
  refusal: string;
}

/** The assistant's words: parts of text and refusal, one of them open at a time. */
export class MessageItem {
  readonly item: Record<string, unknown>;
  private readonly content: (TextPart | RefusalPart)[] = [];
  private readonly id: string;

  constructor(
    suffix: string,
    private readonly index: number,
    private readonly say: Say,
  ) {
    this.id = `msg_${suffix}_${index}`;
    this.item = { id: this.id, type: 'message', role: 'assistant', status: 'in_progress', content: this.content };
    say('response.output_item.added', { output_index: index, item: { ...this.item, content: [] } });
  }

  addText(delta: string, logprobs: readonly Record<string, unknown>[]): void {
    const part = this.textPart();
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.say('response.output_text.delta', { ...this.place, delta, logprobs });
  }

  annotate(annotation: Record<string, unknown>): void {
    const part = this.textPart();
    part.annotations.push(annotation);
    this.say('response.output_text.annotation.added', {
      ...this.place,
      annotation_index: part.annotations.length - 1,
      annotation,
    });
  }

  addRefusal(delta: string): void {
    let part = this.content.at(-1);
    if (part?.type !== 'refusal') this.openPart((part = { type: 'refusal', refusal: '' }));
    part.refusal += delta;
    this.say('response.refusal.delta', { ...this.place, delta });
  }

  close(status: ItemEnd): void {
    this.closePart();
    this.item['status'] = status;
    this.say('response.output_item.done', { output_index: this.index, item: this.item });
  }

  private textPart(): TextPart {
    let part = this.content.at(-1);
    if (part?.type !== 'output_text') {
      this.openPart((part = { type: 'output_text', text: '', annotations: [], logprobs: [] }));
    }
    return part;
  }

  private openPart(part: TextPart | RefusalPart): void {
    this.closePart();
    this.content.push(part);
    this.say('response.content_part.added', { ...this.place, part });
  }

  private closePart(): void {
    const part = this.content.at(-1);
    if (part === undefined) return;
    if (part.type === 'refusal') this.say('response.refusal.done', { ...this.place, refusal: part.refusal });
    else this.say('response.output_text.done', { ...this.place, text: part.text, logprobs: part.logprobs });
    this.say('response.content_part.done', { ...this.place, part });
  }

  private get place(): { item_id: string; output_index: number; content_index: number } {
    return { item_id: this.id, output_index: this.index, content_index: this.content.length - 1 };
  }
}
