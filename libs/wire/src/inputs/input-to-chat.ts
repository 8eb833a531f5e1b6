import type { AskedBody } from '../endpoints/presentation.js';
import type { ChatMessage } from '../openai/chat-completion-request.js';

/** A body with an `input` as what is estimated and compared of a call: its texts as a message. */
export function inputToChat(asked: AskedBody): Record<string, unknown> & { messages: ChatMessage[] } {
  const { input, ...rest } = asked;
  return { ...rest, messages: [{ role: 'user', content: textsOf(input).join('\n') }] };
}

/** Of tokens and images nothing is known without a model. */
function textsOf(input: unknown): string[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) return [];
  return input.flatMap((each: unknown) => {
    const text = typeof each === 'object' && each !== null ? (each as { text?: unknown }).text : each;
    return typeof text === 'string' ? [text] : [];
  });
}
