import type { Capability } from '../model-facts.js';
import { estimateTextTokens } from './estimate-text-tokens.js';

/** What a call asks of a model, read from its body. */
export interface CallNeeds {
  /** The prompt: texts, tools, images. */
  readonly inputTokens: number;
  readonly capabilities: ReadonlySet<Capability>;
}

type Members = Readonly<Record<string, unknown>>;

/** OpenAI's price of an image of common size; its least, for `detail: low`. */
const IMAGE_TOKENS = 765;
const LOW_IMAGE_TOKENS = 85;
const MESSAGE_TOKENS = 4;

/**
 * @param body of a chat completion, checked as far as `messages` being a list of objects
 * @param countText a model's own tokenizer; absent: an estimate
 */
export function readNeeds(
  body: Members & { readonly messages: readonly Members[] },
  countText: (text: string) => number = estimateTextTokens,
): CallNeeds {
  const capabilities = new Set<Capability>();
  let inputTokens = 0;
  for (const message of body.messages) {
    inputTokens += MESSAGE_TOKENS;
    const { content } = message;
    if (typeof content === 'string') inputTokens += countText(content);
    else if (Array.isArray(content)) for (const part of content) inputTokens += readPart(part, capabilities, countText);
    const calls = message['tool_calls'];
    if (Array.isArray(calls) && calls.length > 0) inputTokens += countText(JSON.stringify(calls));
  }
  const tools = body['tools'] ?? body['functions'];
  if (Array.isArray(tools) && tools.length > 0) {
    capabilities.add('tools');
    inputTokens += countText(JSON.stringify(tools));
  }
  if (memberOf(body['response_format'], 'type') === 'json_schema') capabilities.add('json_schema');
  return { inputTokens, capabilities };
}

/** @returns its tokens; of a file or a sound nobody knows them without looking inside: 0 */
function readPart(part: unknown, capabilities: Set<Capability>, countText: (text: string) => number): number {
  switch (memberOf(part, 'type')) {
    case 'text': {
      const text = memberOf(part, 'text');
      return typeof text === 'string' ? countText(text) : 0;
    }
    case 'image_url':
    case 'image':
      capabilities.add('vision');
      return memberOf(memberOf(part, 'image_url'), 'detail') === 'low' ? LOW_IMAGE_TOKENS : IMAGE_TOKENS;
    case 'input_audio':
      capabilities.add('audio');
      return 0;
    case 'file':
      capabilities.add('pdf');
      return 0;
    default:
      return 0;
  }
}

export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Members)[name] : undefined;
