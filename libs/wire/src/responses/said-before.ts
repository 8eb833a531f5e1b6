import type { AskedBody } from '../endpoints/presentation.js';
import type { ChatMessage } from '../openai/chat-completion-request.js';
import { recordOf } from '../record-of.js';

/** Of an assistant's message: what a model may be told of it later. */
const REMEMBERED = ['content', 'refusal', 'tool_calls', 'thinking_blocks'] as const;

/**
 * The conversation up to and with a response, for one that goes on with it: what it was asked in chat form, which holds all
 * that had been said before it, and its answer. Its instructions were for itself alone, as with OpenAI.
 */
export function saidBefore(asked: AskedBody, chat: AskedBody, answer: AskedBody): ChatMessage[] {
  const { instructions } = asked;
  const messages = Array.isArray(chat['messages']) ? (chat['messages'] as ChatMessage[]) : [];
  const hasInstructions = typeof instructions === 'string' && instructions !== '';
  const said = hasInstructions ? messages.slice(1) : messages;
  const choices: unknown = answer['choices'];
  const message = recordOf(recordOf(Array.isArray(choices) ? choices[0] : undefined)?.['message']);
  return message === undefined ? said : [...said, answerMessage(message)];
}

function answerMessage(message: Readonly<Record<string, unknown>>): ChatMessage {
  const kept: Record<string, unknown> = { content: null };
  for (const name of REMEMBERED) if (message[name] !== undefined && message[name] !== null) kept[name] = message[name];
  if (kept['content'] === '' && kept['tool_calls'] !== undefined) kept['content'] = null; // a stream's; some refuse it
  return { role: 'assistant', ...kept };
}
