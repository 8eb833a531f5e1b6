import { recordOf, stringOf } from '../record-of.js';
import type { ChatMessage } from '../openai/chat-completion-request.js';
import { assistantContent, chatContent } from './input-content.js';
import { mustBe, unsupported } from './refusal.js';
import { unpackThoughts } from './thoughts.js';

/** A turn of the assistant that is being put together: text, calls and thoughts are items of their own in an input. */
interface OpenTurn {
  role: 'assistant';
  content: ChatMessage['content'];
  tool_calls?: unknown[];
  thinking_blocks?: unknown[];
}

const ROLES = new Set(['user', 'assistant', 'system', 'developer']);

/**
 * `input` as chat messages. Neighbouring items of the assistant become one message: chat wants all calls of a turn in it,
 * with their outputs right behind.
 */
export function inputMessages(input: unknown): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (!Array.isArray(input)) throw mustBe('input', 'a string or an array of items');
  const messages: ChatMessage[] = [];
  let turn: OpenTurn | undefined;
  const openTurn = (): OpenTurn => {
    if (turn === undefined) messages.push((turn = { role: 'assistant', content: null }) as unknown as ChatMessage);
    return turn;
  };

  for (const [i, value] of input.entries()) {
    const at = `input[${i}]`;
    const item = recordOf(value);
    if (item === undefined) throw mustBe(at, 'an object');
    switch (item['type'] ?? 'message') {
      case 'message': {
        const role = stringOf(item['role']) ?? '';
        if (!ROLES.has(role)) throw mustBe(`${at}.role`, `one of ${[...ROLES].join(', ')}`);
        if (role === 'assistant') {
          if (turn !== undefined && turn.content !== null) turn = undefined;
          openTurn().content = assistantContent(item['content'], `${at}.content`);
        } else {
          turn = undefined;
          messages.push({ role, content: chatContent(item['content'], `${at}.content`) });
        }
        break;
      }
      case 'function_call':
        (openTurn().tool_calls ??= []).push(toolCall(item, at));
        break;
      case 'function_call_output':
        turn = undefined;
        messages.push(toolResult(item, at));
        break;
      case 'reasoning': {
        const thoughts = unpackThoughts(item['encrypted_content']);
        if (thoughts !== undefined) (openTurn().thinking_blocks ??= []).push(...thoughts);
        break;
      }
      default:
        throw unsupported(`${at}.type`, item['type'], 'send messages, function calls, their outputs, and reasoning');
    }
  }
  return messages;
}

function toolCall(item: Readonly<Record<string, unknown>>, at: string): Record<string, unknown> {
  const { call_id: id, name, arguments: args } = item;
  if (typeof id !== 'string') throw mustBe(`${at}.call_id`, 'a string');
  if (typeof name !== 'string') throw mustBe(`${at}.name`, 'a string');
  if (typeof args !== 'string') throw mustBe(`${at}.arguments`, 'a string of JSON');
  return { id, type: 'function', function: { name, arguments: args } };
}

function toolResult(item: Readonly<Record<string, unknown>>, at: string): ChatMessage {
  const { call_id: id, output } = item;
  if (typeof id !== 'string') throw mustBe(`${at}.call_id`, 'a string');
  return { role: 'tool', tool_call_id: id, content: chatContent(output, `${at}.output`) };
}
