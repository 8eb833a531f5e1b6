import { eachData } from '../sse.js';

interface Chunk {
  choices?: { index?: number; text?: string; finish_reason?: unknown }[];
  usage?: unknown;
}

/** Puts the chunks of a completion together into the completion that a call without `stream` would have got. */
export class WholeCompletion {
  private readonly choices = new Map<number, { text: string; index: number; logprobs: null; finish_reason: unknown }>();
  private top: Record<string, unknown> = {};
  private usage: unknown;

  add(events: string): void {
    eachData(events, (data) => {
      if (data !== '[DONE]') this.take(JSON.parse(data) as Chunk);
    });
  }

  /** @param usage where the chunks have none */
  answer(_identity: unknown, usage: Record<string, unknown> | undefined): Record<string, unknown> {
    const choices = [...this.choices.values()].toSorted((a, b) => a.index - b.index);
    const told = this.usage ?? usage;
    return { ...this.top, choices, ...(told === undefined ? {} : { usage: told }) };
  }

  private take({ choices = [], usage, ...top }: Chunk): void {
    this.top = { ...this.top, ...top };
    this.usage = usage ?? this.usage;
    for (const { index = 0, text = '', finish_reason: finish = null } of choices) {
      const known = this.choices.get(index) ?? { text: '', index, logprobs: null, finish_reason: null };
      this.choices.set(index, { ...known, text: known.text + text, finish_reason: finish ?? known.finish_reason });
    }
  }
}
