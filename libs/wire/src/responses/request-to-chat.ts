import type { AskedBody, ToChat } from '../endpoints/presentation.js';
import type { ChatMessage } from '../openai/chat-completion-request.js';
import { recordOf } from '../record-of.js';
import { inputMessages } from './input-messages.js';
import { mustBe, Refusal, unsupported } from './refusal.js';
import { chatTools } from './tools.js';

/** Members of Responses' own: they are translated, or they are Sluice's business, or nothing in chat answers to them. */
const OWN_MEMBERS = new Set([
  'input',
  'instructions',
  'max_output_tokens',
  'reasoning',
  'text',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'include',
  'top_logprobs',
  'stream_options',
  'store',
  'background',
  'previous_response_id',
  'metadata',
  'truncation',
  'max_tool_calls',
  'conversation',
  'prompt',
  'context_management',
  'access_programs',
  'moderation',
  'image',
]);

/**
 * A body of `POST /v1/responses` as a chat completion's. Members that chat knows by the same name, and those of Sluice and
 * LiteLLM, go along as they are. `metadata` and `store` stay here: with a provider they would mean its own storage.
 * Source: WIRE.md 12.
 */
export function responsesToChat(asked: AskedBody, previous?: readonly ChatMessage[]): ToChat {
  try {
    return { kind: 'chat', body: chatBody(asked, previous) };
  } catch (refusal) {
    if (refusal instanceof Refusal) return { kind: 'refused', error: refusal.error };
    throw refusal;
  }
}

function chatBody(asked: AskedBody, previous: readonly ChatMessage[] | undefined): Record<string, unknown> {
  refuseUnsupported(asked);
  if (previous === undefined && isGiven(asked['previous_response_id'])) {
    throw unsupported('previous_response_id', undefined, 'in jobs and batches the whole conversation stands in input');
  }
  const body: Record<string, unknown> = {};
  for (const name in asked) if (!OWN_MEMBERS.has(name)) body[name] = asked[name];
  body['messages'] = [...instructions(asked), ...(previous ?? []), ...inputMessages(asked['input'])];
  const { max_output_tokens: limit, reasoning, top_logprobs: logprobs } = asked;
  if (limit !== undefined && limit !== null) body['max_completion_tokens'] = wholeNumber(limit, 'max_output_tokens');
  const effort = objectAt(reasoning, 'reasoning')?.['effort'];
  if (effort !== undefined && effort !== null) body['reasoning_effort'] = effort;
  if (wantsLogprobs(asked)) body['logprobs'] = true;
  if (logprobs !== undefined && logprobs !== null) body['top_logprobs'] = logprobs;
  Object.assign(body, textForm(asked['text']), chatTools(asked));
  if (asked['stream'] === true) body['stream_options'] = { include_usage: true };
  return body;
}

function refuseUnsupported(asked: AskedBody): void {
  const { conversation, prompt, context_management: management } = asked;
  if (isGiven(conversation))
    throw unsupported('conversation', undefined, 'use previous_response_id, or send all in input');
  if (isGiven(prompt)) throw unsupported('prompt', undefined, 'send instructions and input');
  if (isGiven(management)) throw unsupported('context_management', undefined, 'nothing is left out of a conversation');
  for (const member of ['background', 'store', 'parallel_tool_calls', 'stream'] as const) {
    if (isGiven(asked[member]) && typeof asked[member] !== 'boolean') throw mustBe(member, 'true or false');
  }
  objectAt(asked['metadata'], 'metadata');
  const { include } = asked;
  if (isGiven(include) && !Array.isArray(include)) throw mustBe('include', 'an array');
}

function instructions({ instructions: text }: AskedBody): ChatMessage[] {
  if (!isGiven(text)) return [];
  if (typeof text !== 'string') throw mustBe('instructions', 'a string');
  return text === '' ? [] : [{ role: 'system', content: text }];
}

/** `text.format` and `text.verbosity`. */
function textForm(value: unknown): Record<string, unknown> {
  const { format, verbosity } = objectAt(value, 'text') ?? {};
  return { ...responseFormat(format), ...(isGiven(verbosity) ? { verbosity } : {}) };
}

function responseFormat(value: unknown): Record<string, unknown> {
  const format = objectAt(value, 'text.format');
  switch (format?.['type']) {
    case undefined:
    case 'text':
      return {};
    case 'json_object':
      return { response_format: { type: 'json_object' } };
    case 'json_schema': {
      const { type: _type, ...schema } = format!;
      return { response_format: { type: 'json_schema', json_schema: schema } };
    }
    default:
      throw mustBe('text.format.type', 'text, json_object or json_schema');
  }
}

const wantsLogprobs = ({ include, top_logprobs: top }: AskedBody): boolean =>
  isGiven(top) || (Array.isArray(include) && include.includes('message.output_text.logprobs'));

function objectAt(value: unknown, at: string): Readonly<Record<string, unknown>> | undefined {
  if (!isGiven(value)) return undefined;
  const object = recordOf(value);
  if (object === undefined) throw mustBe(at, 'an object');
  return object;
}

function wholeNumber(value: unknown, at: string): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2_147_483_647) return value as number;
  throw mustBe(at, 'a whole number above 0');
}

/** `null` and absence are the same, as for OpenAI. */
const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
