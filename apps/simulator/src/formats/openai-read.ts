import type { ChatCall, Tool } from '../answer/chat-call.js';
import { asksToGoOn, Conversation, textIn } from '../answer/read-conversation.js';
import { isObject } from '../script/checks.js';
import type { Refusal } from './format.js';

const MOST_CHOICES = 128;

/** The body of a chat completion call, checked as far as a real provider's first glance goes. */
export function readOpenAiCall(body: Record<string, unknown>, model: string): ChatCall | Refusal {
  const { messages, stream, n, tools } = body;
  if (model === '') return wrong('you must provide a model parameter', 'model');
  if (!Array.isArray(messages) || messages.length === 0) {
    return wrong("Missing required parameter: 'messages'.", 'messages');
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    return wrong("Invalid type for 'stream': expected a boolean.", 'stream');
  }
  if (n !== undefined && n !== null && (!Number.isInteger(n) || (n as number) < 1 || (n as number) > MOST_CHOICES)) {
    return wrong(`Invalid value for 'n': expected a whole number from 1 to ${MOST_CHOICES}.`, 'n');
  }
  const conversation = new Conversation();
  const last: unknown = messages.at(-1);
  const goesOnFrom: unknown = asksToGoOn(messages) ? messages.at(-2) : undefined;
  let prefill: string | null = null;
  let askedToGoOn: string | null = null;
  let hash = conversation.hash;
  for (const message of messages as unknown[]) {
    if (!isObject(message) || typeof message['role'] !== 'string') {
      return wrong("Invalid type for 'messages': expected objects with a role.", 'messages');
    }
    if (message === last && message['role'] === 'assistant' && message['tool_calls'] === undefined) {
      prefill = textIn(message['content']);
    }
    if (message === goesOnFrom) askedToGoOn = textIn(message['content']);
    conversation.addContent(message['content']);
    if (Array.isArray(message['tool_calls'])) conversation.add(JSON.stringify(message['tool_calls']));
    if (prefill === null && askedToGoOn === null) hash = conversation.hash;
  }
  const options = body['stream_options'];
  return {
    model,
    isStreaming: stream === true,
    n: (n as number | undefined) ?? 1,
    promptCharacters: conversation.characters,
    conversationHash: hash,
    maxTokens: tokenLimit(body['max_completion_tokens']) ?? tokenLimit(body['max_tokens']),
    tools: Array.isArray(tools) ? tools.flatMap(toolIn) : [],
    toolChoice: toolChoiceIn(body['tool_choice']),
    parallelToolCalls: body['parallel_tool_calls'] !== false,
    json: jsonIn(body['response_format']),
    includeUsage: isObject(options) && options['include_usage'] === true,
    prefill,
    askedToGoOn,
    endsInToolResult: isObject(last) && last['role'] === 'tool',
  };
}

const wrong = (message: string, param: string): Refusal => ({ kind: 'bad_request', message, param });

const tokenLimit = (value: unknown): number | null => (Number.isInteger(value) ? Math.max(0, value as number) : null);

function toolIn(tool: unknown): Tool[] {
  if (!isObject(tool) || !isObject(tool['function']) || typeof tool['function']['name'] !== 'string') return [];
  return [{ name: tool['function']['name'], schema: tool['function']['parameters'] }];
}

function toolChoiceIn(choice: unknown): ChatCall['toolChoice'] {
  if (choice === 'none') return 'none';
  if (choice === 'required') return 'any';
  if (isObject(choice) && isObject(choice['function']) && typeof choice['function']['name'] === 'string') {
    return { name: choice['function']['name'] };
  }
  return 'auto';
}

function jsonIn(format: unknown): ChatCall['json'] {
  if (!isObject(format)) return null;
  if (format['type'] === 'json_object') return {};
  if (format['type'] !== 'json_schema' || !isObject(format['json_schema'])) return null;
  return { schema: format['json_schema']['schema'] };
}
