import type { ApiError } from '../error-body.js';
import { objectOf } from './read-block.js';

const MOST_TOKENS = 2_147_483_647;
const MOST_MESSAGES = 100_000;
const ROLES = new Set<unknown>(['user', 'assistant', 'system']);

/** What is wrong with a body of POST /v1/messages, as far as Sluice looks at it; undefined: nothing. */
export function messagesProblem(asked: Readonly<Record<string, unknown>>): ApiError | undefined {
  const { max_tokens: limit, messages, system, stream, tools, stop_sequences: stops } = asked;
  if (!Number.isInteger(limit) || (limit as number) < 1 || (limit as number) > MOST_TOKENS) {
    return wrong('max_tokens', `a whole number from 1 to ${MOST_TOKENS}`);
  }
  if (!Array.isArray(messages) || messages.length === 0) return wrong('messages', 'a non-empty array');
  if (messages.length > MOST_MESSAGES) return wrong('messages', `at most ${MOST_MESSAGES} entries`);
  for (const [i, each] of messages.entries()) {
    const message = objectOf(each);
    if (message === undefined) return wrong(`messages.${i}`, 'an object');
    if (!ROLES.has(message['role'])) return wrong(`messages.${i}.role`, '"user" or "assistant"');
    const problem = contentProblem(message['content'], `messages.${i}.content`);
    if (problem !== undefined) return problem;
  }
  if (given(system)) {
    const problem = contentProblem(system, 'system');
    if (problem !== undefined) return problem;
  }
  if (given(stream) && typeof stream !== 'boolean') return wrong('stream', 'true or false');
  if (given(tools) && !(Array.isArray(tools) && tools.every((tool) => objectOf(tool) !== undefined))) {
    return wrong('tools', 'an array of objects');
  }
  if (given(stops) && !(Array.isArray(stops) && stops.every((stop) => typeof stop === 'string'))) {
    return wrong('stop_sequences', 'an array of strings');
  }
  for (const name of ['temperature', 'top_p'] as const) {
    const value = asked[name];
    if (given(value) && !(typeof value === 'number' && value >= 0 && value <= 1)) {
      return wrong(name, 'a number from 0 to 1');
    }
  }
  return undefined;
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

function contentProblem(content: unknown, path: string): ApiError | undefined {
  if (typeof content === 'string') return undefined;
  if (!Array.isArray(content)) return wrong(path, 'a string or an array of content blocks');
  const at = content.findIndex((block) => typeof objectOf(block)?.['type'] !== 'string');
  return at === -1 ? undefined : wrong(`${path}.${at}`, 'a content block with a type');
}

/** In the words that Anthropic's own errors begin with: the place. */
const wrong = (param: string, expected: string): ApiError => ({
  code: 'invalid_request',
  message: `${param}: must be ${expected}.`,
  param,
});
