import type { Json } from './read-block.js';

interface LaterBlock {
  kind: 'text' | 'tool_use';
  opening: Json;
  text: string;
}

/** Blocks that come while another is open: Anthropic's never overlap, so they stand behind it. */
export class LaterBlocks {
  private readonly texts: LaterBlock[] = [];
  private readonly tools = new Map<number, LaterBlock>();

  text(text: string): void {
    const [block] = this.texts;
    if (block === undefined) this.texts.push({ kind: 'text', opening: { type: 'text', text: '' }, text });
    else block.text += text;
  }

  toolCall(index: number, id: string, name: string, args: string): void {
    const block = this.tools.get(index);
    if (block === undefined) {
      this.tools.set(index, { kind: 'tool_use', opening: { type: 'tool_use', id, name, input: {} }, text: args });
    } else block.text += args;
  }

  all(): readonly LaterBlock[] {
    return [...this.texts, ...this.tools.values()];
  }
}
