import { HASH_START, hashText } from '../script/draw.js';
import { isObject } from '../script/checks.js';

/** Longer texts are hashed by both ends and their length. */
const HASHED_CHARACTERS = 2_048;

/** Adds up what a conversation says: characters for the token count, and a hash that the answer follows from. */
export class Conversation {
  characters = 0;
  hash = HASH_START;

  add(text: string): void {
    this.characters += text.length;
    const { length } = text;
    if (length <= 2 * HASHED_CHARACTERS) {
      this.hash = hashText(this.hash, text);
    } else {
      this.hash = hashText(this.hash ^ length, text, 0, HASHED_CHARACTERS);
      this.hash = hashText(this.hash, text, length - HASHED_CHARACTERS);
    }
  }

  /** A message's content: text, or parts that hold text, tool input or tool results. Images count for nothing. */
  addContent(content: unknown): void {
    if (typeof content === 'string') this.add(content);
    else if (Array.isArray(content)) for (const part of content) this.addPart(part);
  }

  private addPart(part: unknown): void {
    if (!isObject(part)) return;
    if (typeof part['text'] === 'string') this.add(part['text']);
    if (isObject(part['input'])) this.add(JSON.stringify(part['input']));
    if (part['content'] !== undefined) this.addContent(part['content']);
  }
}

/** The text of a message, its parts joined. */
export function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('');
}

/** A user who has got half an answer and wants the rest. */
const GO_ON = /\b(?:go on|continue)\b/i;

/** Whether a last message asks to go on with the assistant's before it. */
export function asksToGoOn(messages: readonly unknown[]): boolean {
  const [before, last] = messages.slice(-2);
  if (!isObject(before) || !isObject(last) || before['tool_calls'] !== undefined) return false;
  return before['role'] === 'assistant' && last['role'] === 'user' && GO_ON.test(textIn(last['content']));
}
