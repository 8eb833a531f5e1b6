import type { ChatMessage } from '../openai/chat-completion-request.js';
import { contentOf, partsOf, type Unsaid } from './content-to-chat.js';
import { blocksOf, objectOf, textOf, type Json } from './read-block.js';

/** `system` and `messages` of Anthropic's Messages as the messages of a chat. Source: WIRE.md 3, read the other way. */
export function chatMessagesOf(system: unknown, messages: readonly Json[], unsaid: Unsaid): ChatMessage[] {
  const instructions = partsOf(blocksOf(system), 'system', unsaid);
  const chat: ChatMessage[] = [];
  if (instructions.length > 0) chat.push({ role: 'system', content: contentOf(instructions) });
  for (const [i, { role, content }] of messages.entries()) {
    const path = `messages[${i}].content`;
    if (role === 'assistant') chat.push(assistantMessage(blocksOf(content), path, unsaid));
    else if (role === 'system') chat.push(plainMessage('system', blocksOf(content), path, unsaid));
    else chat.push(...userMessages(blocksOf(content), path, unsaid));
  }
  return chat;
}

function plainMessage(role: string, blocks: readonly Json[], path: string, unsaid: Unsaid): ChatMessage {
  const parts = partsOf(blocks, path, unsaid);
  return { role, content: parts.length === 0 ? '' : contentOf(parts) };
}

/** Results of tools come first, each a message of its own: chat wants them right behind the calls. */
function userMessages(blocks: readonly Json[], path: string, unsaid: Unsaid): ChatMessage[] {
  const results = blocks.filter(isResult);
  if (results.length === 0) return [plainMessage('user', blocks, path, unsaid)];

  const shown: Json[] = [];
  const messages = results.map((block): ChatMessage => {
    const at = `${path}[${blocks.indexOf(block)}]`;
    const parts = partsOf(blocksOf(block['content']), `${at}.content`, unsaid);
    const texts = parts.filter(({ type }) => type === 'text');
    shown.push(...parts.filter(({ type }) => type !== 'text')); // a tool message holds text alone
    const { cache_control: mark } = block;
    return {
      role: 'tool',
      tool_call_id: textOf(block['tool_use_id']),
      content: texts.length === 0 ? '' : contentOf(texts),
      ...(mark === undefined || mark === null ? {} : { cache_control: mark }),
    };
  });
  // Positions in the paths are those of the whole turn.
  const rest = blocks.flatMap((block, i) => (isResult(block) ? [] : partsAt(block, path, i, unsaid)));
  const parts = [...shown, ...rest];
  return parts.length === 0 ? messages : [...messages, { role: 'user', content: contentOf(parts) }];
}

const isResult = ({ type }: Json): boolean => type === 'tool_result';

const partsAt = (block: Json, path: string, at: number, unsaid: Unsaid): Json[] =>
  partsOf([block], path, (inner) => unsaid(inner.replace(`${path}[0]`, `${path}[${at}]`)));

function assistantMessage(blocks: readonly Json[], path: string, unsaid: Unsaid): ChatMessage {
  const thoughts: Json[] = [];
  const calls: Json[] = [];
  const parts: Json[] = [];
  for (const [i, block] of blocks.entries()) {
    switch (block['type']) {
      case 'thinking':
      case 'redacted_thinking':
        thoughts.push(block);
        break;
      case 'tool_use':
        calls.push(toolCall(block));
        break;
      default:
        parts.push(...partsAt(block, path, i, unsaid));
    }
  }
  return {
    role: 'assistant',
    content: parts.length > 0 ? contentOf(parts) : calls.length > 0 ? null : '',
    ...(thoughts.length === 0 ? {} : { thinking_blocks: thoughts }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function toolCall({ id, name, input, cache_control: mark }: Json): Json {
  return {
    id: textOf(id),
    type: 'function',
    function: { name: textOf(name), arguments: JSON.stringify(objectOf(input) ?? {}) },
    ...(mark === undefined || mark === null ? {} : { cache_control: mark }),
  };
}
