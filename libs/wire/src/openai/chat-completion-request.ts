/** The body of POST /v1/chat/completions, as far as Sluice looks at it. Unknown members travel on untouched. */
export interface ChatCompletionRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream?: boolean | null;
  readonly [extra: string]: unknown;
}

export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly unknown[] | null;
  readonly [extra: string]: unknown;
}

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);
const MAX_MESSAGES = 100_000;

/** One plain loop: a validator run per nested message costs twenty times as much. Returns what is wrong, and what stands there, or null. */
export function chatMessagesProblem(value: unknown): { param: string; expected: string; found: unknown } | null {
  if (!Array.isArray(value) || value.length === 0)
    return { param: 'messages', expected: 'a non-empty array', found: value };
  if (value.length > MAX_MESSAGES)
    return { param: 'messages', expected: `at most ${MAX_MESSAGES} entries`, found: value };
  for (let i = 0; i < value.length; i++) {
    const message: unknown = value[i];
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      return { param: `messages[${i}]`, expected: 'an object', found: message };
    }
    const { role, content } = message as Partial<ChatMessage>;
    if (typeof role !== 'string' || !ROLES.has(role)) {
      return { param: `messages[${i}].role`, expected: `one of ${[...ROLES].join(', ')}`, found: role };
    }
    if (content !== undefined && content !== null && typeof content !== 'string' && !Array.isArray(content)) {
      return { param: `messages[${i}].content`, expected: 'a string, an array of parts, or null', found: content };
    }
  }
  return null;
}
