import type { ApiError } from '../error-body.js';
import type { ChatForm } from '../endpoints/presentation.js';
import { isOwnParam } from '../own-params.js';

type Json = Readonly<Record<string, unknown>>;

/** Of one meaning in both dialects. */
const SHARED = new Set([
  'model',
  'max_tokens',
  'temperature',
  'top_p',
  'n',
  'stop',
  'stream',
  'stream_options',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'seed',
  'user',
]);
/** Values that ask for nothing. */
const NOTHING = new Map<string, (value: unknown) => boolean>([
  ['echo', (value) => value === false],
  ['best_of', (value) => value === 1],
  ['suffix', (value) => value === ''],
]);

/** A body of POST /v1/completions as one user's message, for models that only chat. Source: WIRE.md 5. */
export function completionToChat(asked: Json): ChatForm {
  const unsaid: string[] = [];
  const texts = textsOf(asked['prompt']);
  if (texts.length !== 1) unsaid.push('prompt');
  const body: ChatForm['body'] = { messages: [{ role: 'user', content: texts.join('\n') }] };
  for (const [name, value] of Object.entries(asked)) {
    if (name === 'prompt' || value === null || value === undefined || NOTHING.get(name)?.(value) === true) continue;
    if (SHARED.has(name) || isOwnParam(name)) body[name] = value;
    else unsaid.push(name);
  }
  return { body, unsaid };
}

/** Several prompts are several answers, and tokens are no text: chat has neither. */
function textsOf(prompt: unknown): string[] {
  if (typeof prompt === 'string') return [prompt];
  return Array.isArray(prompt) ? prompt.filter((each) => typeof each === 'string') : [];
}

export function completionProblem({ prompt, stream, n }: Json): ApiError | undefined {
  if (typeof prompt !== 'string' && !(Array.isArray(prompt) && prompt.length > 0)) {
    return wrong('prompt', 'a string, or a non-empty array of strings or tokens');
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') return wrong('stream', 'true or false');
  const isCount = Number.isInteger(n) && (n as number) >= 1 && (n as number) <= 128;
  return n === undefined || n === null || isCount ? undefined : wrong('n', 'a whole number from 1 to 128');
}

const wrong = (param: string, expected: string): ApiError => ({
  code: 'invalid_request',
  message: `${param} must be ${expected}.`,
  param,
});
