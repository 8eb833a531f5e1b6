import type { Say } from './say.js';
import { packThoughts } from './thoughts.js';

/** What a model thought, as a summary with one part; signed thoughts go along packed, so that they can be sent back. */
export class ReasoningItem {
  readonly item: Record<string, unknown>;
  private text = '';
  private readonly thoughts: unknown[] = [];
  private readonly place: { item_id: string; output_index: number; summary_index: number };

  constructor(
    suffix: string,
    private readonly index: number,
    private readonly say: Say,
  ) {
    const id = `rs_${suffix}_${index}`;
    this.item = { id, type: 'reasoning', summary: [] };
    this.place = { item_id: id, output_index: index, summary_index: 0 };
    say('response.output_item.added', { output_index: index, item: { ...this.item } });
  }

  addText(delta: string): void {
    if (this.text === '') {
      this.say('response.reasoning_summary_part.added', { ...this.place, part: { type: 'summary_text', text: '' } });
    }
    this.text += delta;
    this.item['summary'] = [{ type: 'summary_text', text: this.text }];
    this.say('response.reasoning_summary_text.delta', { ...this.place, delta });
  }

  addThoughts(thoughts: readonly unknown[]): void {
    this.thoughts.push(...thoughts);
    this.item['encrypted_content'] = packThoughts(this.thoughts);
  }

  close(): void {
    if (this.text !== '') {
      this.say('response.reasoning_summary_text.done', { ...this.place, text: this.text });
      this.say('response.reasoning_summary_part.done', {
        ...this.place,
        part: { type: 'summary_text', text: this.text },
      });
    }
    this.say('response.output_item.done', { output_index: this.index, item: { ...this.item } });
  }
}
