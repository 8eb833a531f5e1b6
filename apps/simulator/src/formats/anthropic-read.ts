import type { IncomingHttpHeaders } from 'node:http';
import type { ChatCall, Tool } from '../answer/chat-call.js';
import { asksToGoOn, Conversation, textIn } from '../answer/read-conversation.js';
import { isObject } from '../script/checks.js';
import type { Refusal } from './format.js';

/** The body of POST /v1/messages, refused where the real one refuses: a broken adapter should be noticed here. */
export function readAnthropicCall(
  body: Record<string, unknown>,
  headers: IncomingHttpHeaders,
  model: string,
): ChatCall | Refusal {
  const { messages, stream, tools } = body;
  if (headers['anthropic-version'] === undefined) return wrong('anthropic-version: header is required');
  if (model === '') return wrong('model: Field required');
  if (!Number.isInteger(body['max_tokens']) || (body['max_tokens'] as number) < 1) {
    return wrong('max_tokens: Field required');
  }
  if (!Array.isArray(messages) || messages.length === 0) return wrong('messages: at least one message is required');
  if (stream !== undefined && typeof stream !== 'boolean') return wrong('stream: Input should be a valid boolean');

  const conversation = new Conversation();
  conversation.addContent(body['system']);
  const last: unknown = messages.at(-1);
  const goesOnFrom: unknown = asksToGoOn(messages) ? messages.at(-2) : undefined;
  let prefill: string | null = null;
  let askedToGoOn: string | null = null;
  let hash = conversation.hash;
  for (let i = 0; i < messages.length; i++) {
    const message: unknown = messages[i];
    if (!isObject(message)) return wrong(`messages.${i}: Input should be a valid dictionary`);
    const { role, content } = message;
    if (role !== 'user' && role !== 'assistant') {
      return wrong(
        `messages.${i}.role: Unexpected role ${JSON.stringify(role)}. Allowed roles are "user" or "assistant".`,
      );
    }
    if (i === 0 && role !== 'user') return wrong('messages: first message must use the "user" role');
    if (content === '' && message !== last) return wrong('messages: text content blocks must be non-empty');
    if (message === last && role === 'assistant') {
      prefill = textIn(content);
      if (/\s$/.test(prefill)) return wrong('messages: final assistant content cannot end with trailing whitespace');
    }
    if (message === goesOnFrom) askedToGoOn = textIn(content);
    conversation.addContent(content);
    if (prefill === null && askedToGoOn === null) hash = conversation.hash;
  }
  return {
    model,
    isStreaming: stream === true,
    n: 1,
    promptCharacters: conversation.characters,
    conversationHash: hash,
    maxTokens: body['max_tokens'] as number,
    tools: Array.isArray(tools) ? tools.flatMap(toolIn) : [],
    toolChoice: toolChoiceIn(body['tool_choice']),
    parallelToolCalls: !isObject(body['tool_choice']) || body['tool_choice']['disable_parallel_tool_use'] !== true,
    json: jsonIn(body['output_config']),
    includeUsage: true,
    prefill,
    askedToGoOn,
    endsInToolResult: isObject(last) && holdsToolResult(last['content']),
  };
}

const wrong = (message: string): Refusal => ({ kind: 'bad_request', message });

const holdsToolResult = (content: unknown): boolean =>
  Array.isArray(content) && content.some((part) => isObject(part) && part['type'] === 'tool_result');

function toolIn(tool: unknown): Tool[] {
  if (!isObject(tool) || typeof tool['name'] !== 'string') return [];
  return [{ name: tool['name'], schema: tool['input_schema'] }];
}

function toolChoiceIn(choice: unknown): ChatCall['toolChoice'] {
  if (!isObject(choice)) return 'auto';
  if (choice['type'] === 'tool' && typeof choice['name'] === 'string') return { name: choice['name'] };
  return choice['type'] === 'any' || choice['type'] === 'none' ? choice['type'] : 'auto';
}

function jsonIn(config: unknown): ChatCall['json'] {
  const format = isObject(config) ? config['format'] : undefined;
  return isObject(format) && format['type'] === 'json_schema' ? { schema: format['schema'] } : null;
}
