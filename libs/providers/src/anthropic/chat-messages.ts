import type { ChatBody } from '../adapter.js';
import { recordOf } from '../provider-error.js';
import { RawJson } from '../raw-json.js';
import { blocksOf, cached, type Block } from './content-blocks.js';
import { ToolIds } from './tool-ids.js';

export interface Turn {
  role: 'user' | 'assistant';
  content: Block[];
}

/** Stands where Anthropic wants a user's text and there is none. */
const PLACEHOLDER = (): Block => ({ type: 'text', text: '.' });

/**
 * OpenAI's messages as Anthropic's system and turns: system and developer messages hoisted, neighbours of one role merged,
 * tool results first in their turn, empty text dropped, the first turn a user's, the last assistant text trimmed at its end
 * (Anthropic refuses trailing spaces there). Source: WIRE.md 3.
 */
export function turnsOf(messages: ChatBody['messages'], callId: string): { system: Block[]; turns: Turn[] } {
  const ids = new ToolIds(callId);
  const system: Block[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    switch (message['role']) {
      case 'system':
      case 'developer':
        system.push(...cachedBlocks(message));
        break;
      case 'assistant':
        add(turns, 'assistant', assistantBlocks(message, ids));
        break;
      case 'tool':
      case 'function':
        add(turns, 'user', [toolResult(message, ids)]);
        break;
      default: {
        const blocks = cachedBlocks(message);
        add(turns, 'user', blocks.length === 0 ? [PLACEHOLDER()] : blocks);
      }
    }
  }
  if (turns[0]?.role !== 'user') turns.unshift({ role: 'user', content: [PLACEHOLDER()] });
  for (const turn of turns) if (turn.role === 'user') toolResultsFirst(turn);
  trimEnd(turns);
  return { system, turns };
}

function add(turns: Turn[], role: Turn['role'], blocks: Block[]): void {
  if (blocks.length === 0) return;
  const last = turns.at(-1);
  if (last?.role === role) last.content.push(...blocks);
  else turns.push({ role, content: blocks });
}

/** A mark on the message is one on its last block. */
function cachedBlocks(message: ChatBody['messages'][number]): Block[] {
  const blocks = blocksOf(message['content']);
  const last = blocks.at(-1);
  if (last !== undefined && last['cache_control'] === undefined) {
    blocks[blocks.length - 1] = { ...last, ...cached(message['cache_control']) };
  }
  return blocks;
}

function assistantBlocks(message: ChatBody['messages'][number], ids: ToolIds): Block[] {
  const thoughts = message['thinking_blocks'];
  const blocks: Block[] = Array.isArray(thoughts) ? thoughts.filter(isThought) : [];
  // Parts of type `thinking` stand in the content of answers that some servers give; without a signature they are no use.
  blocks.push(...cachedBlocks(message).filter((block) => block.type !== 'thinking' || isThought(block)));
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
  const legacy = recordOf(message['function_call']);
  for (const each of legacy === undefined ? calls : [...calls, { function: legacy }]) {
    const call = recordOf(each) ?? {};
    const { name, arguments: args } = recordOf(call['function']) ?? {};
    if (typeof name !== 'string') continue;
    blocks.push({
      type: 'tool_use',
      id: ids.ofCall(call['id']),
      name,
      input: inputOf(args),
      ...cached(call['cache_control']),
    });
  }
  return blocks;
}

function isThought(value: unknown): value is Block {
  const block = recordOf(value);
  return (
    (block?.['type'] === 'thinking' && typeof block['signature'] === 'string' && block['signature'] !== '') ||
    block?.['type'] === 'redacted_thinking'
  );
}

/** Arguments that are an object go in as they were written; others get a member to stand in. */
function inputOf(args: unknown): RawJson | Record<string, unknown> {
  if (typeof args !== 'string') return recordOf(args) ?? {};
  if (args.trim() === '') return {};
  try {
    return recordOf(JSON.parse(args)) === undefined ? new RawJson(`{"input":${args}}`) : new RawJson(args);
  } catch {
    return { input: args };
  }
}

function toolResult(message: ChatBody['messages'][number], ids: ToolIds): Block {
  const { content } = message;
  return {
    type: 'tool_result',
    tool_use_id: ids.ofResult(message['tool_call_id']),
    content: typeof content === 'string' ? content : blocksOf(content),
    ...cached(message['cache_control']),
  };
}

function toolResultsFirst(turn: Turn): void {
  const isResult = (block: Block): boolean => block.type === 'tool_result';
  if (turn.content.some(isResult)) {
    turn.content = [...turn.content.filter(isResult), ...turn.content.filter((block) => !isResult(block))];
  }
}

function trimEnd(turns: Turn[]): void {
  const last = turns.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || block?.type !== 'text' || typeof block['text'] !== 'string') return;
  const text = block['text'].trimEnd();
  if (text !== '') last.content[last.content.length - 1] = { ...block, text };
  else if (last.content.length > 1) last.content.pop();
  else turns.pop();
}
