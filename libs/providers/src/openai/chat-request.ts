import { changeMembers, removePath, type Change, type Deployment } from '@sluice/core';
import type { Call } from '../adapter.js';
import { isOwnParam } from '@sluice/wire';
import { recordOf } from '../provider-error.js';

/** OpenAI's reasoning models refuse `max_tokens`. Source: WIRE.md 5. */
const WANTS_COMPLETION_LIMIT = /^(?:o\d|gpt-(?:[5-9]|\d\d))/;

/** Only Anthropic knows these; OpenAI answers 400 to parts it does not know. */
const FOREIGN_PATHS: readonly (readonly [mark: string, paths: readonly string[]])[] = [
  [
    '"cache_control"',
    [
      'messages[*].cache_control',
      'messages[*].content[*].cache_control',
      'tools[*].cache_control',
      'tools[*].function.cache_control',
    ],
  ],
  ['"thinking_blocks"', ['messages[*].thinking_blocks']],
];

/**
 * The client's body for an OpenAI-like target, edited by span: model, defaults, token limit, extra_body, and without what is
 * ours. Messages, tools and arguments keep their bytes. For Azure's classic path the model in the body is ignored there.
 */
export function openaiChatBody(call: Call, { target, model, baseModel, supports }: Deployment): string {
  const { body } = call;
  const changes = new Map<string, Change>();
  for (const key in body) if (isOwnParam(key)) changes.set(key, 'remove');
  if (isOwnMetadata(body['metadata'])) changes.set('metadata', 'remove');
  for (const key in target.defaults) {
    if (body[key] === undefined && !limitIsGiven(key, body))
      changes.set(key, { value: JSON.stringify(target.defaults[key]) });
  }
  const limitName = WANTS_COMPLETION_LIMIT.test(baseModel ?? model) ? 'max_completion_tokens' : undefined;
  if (limitName !== undefined) useLimitName(changes, body);
  // Claude is told how long to think in every call; a model that does not think would refuse the word.
  if (call.own?.endpoint === '/v1/messages' && supports.reasoning !== true) changes.set('reasoning_effort', 'remove');
  if (call.stream) {
    const options = recordOf(body['stream_options']) ?? {};
    if (options['include_usage'] !== true) {
      changes.set('stream_options', { value: JSON.stringify({ ...options, include_usage: true }) });
    }
  }
  changes.set('model', { value: JSON.stringify(model) });

  let text = changeMembers(call.source, changes);
  for (const [mark, paths] of FOREIGN_PATHS) {
    if (text.includes(mark)) for (const path of paths) text = removePath(text, path);
  }
  for (const path of target.additionalDropParams) text = removePath(text, path);
  const extra = Object.entries(target.extraBody);
  if (extra.length > 0)
    text = changeMembers(text, new Map(extra.map(([key, value]) => [key, { value: JSON.stringify(value) }])));
  return text;
}

/** OpenAI's holds texts and nothing else: one with tags or the like in it is meant for us, as LiteLLM's clients send it. */
function isOwnMetadata(metadata: unknown): boolean {
  return Object.values(recordOf(metadata) ?? {}).some((value) => typeof value !== 'string');
}

/** The two names of the token limit exclude each other. */
function limitIsGiven(key: string, body: Call['body']): boolean {
  return (
    (key === 'max_tokens' && body['max_completion_tokens'] !== undefined) ||
    (key === 'max_completion_tokens' && body['max_tokens'] !== undefined)
  );
}

function useLimitName(changes: Map<string, Change>, body: Call['body']): void {
  const limit = changes.get('max_tokens');
  if (limit !== undefined) {
    changes.delete('max_tokens');
    changes.set('max_completion_tokens', limit);
  } else if (body['max_tokens'] !== undefined) {
    const isTwice = body['max_completion_tokens'] !== undefined;
    changes.set('max_tokens', isTwice ? 'remove' : { rename: 'max_completion_tokens' });
  }
}
