/** A chat call, free of its format: what the answer follows from. */
export interface ChatCall {
  model: string;
  isStreaming: boolean;
  /** Answers asked for. */
  n: number;
  /** Characters in everything that the model would read; 4 make a token. */
  promptCharacters: number;
  /** Of the conversation without a final assistant message, or one that is to be gone on with, so that a continued call has the answer that it continues. */
  conversationHash: number;
  maxTokens: number | null;
  tools: readonly Tool[];
  toolChoice: 'auto' | 'none' | 'any' | { name: string };
  parallelToolCalls: boolean;
  /** The form that the answer must have. `schema` undefined: any object. */
  json: { schema?: unknown } | null;
  /** OpenAI's stream_options.include_usage. */
  includeUsage: boolean;
  /** Text of a final assistant message, which the answer goes on from. */
  prefill: string | null;
  /** Text of an assistant message behind which a user's turn asks to go on with it. */
  askedToGoOn: string | null;
  /** The conversation ends in a tool's result. */
  endsInToolResult: boolean;
}

export interface Tool {
  name: string;
  schema: unknown;
}

export interface Answer {
  choices: Choice[];
  usage: Usage;
}

export interface Choice {
  reasoning: string;
  text: string;
  toolCalls: { id: string; name: string; arguments: string }[];
  /** OpenAI's word: stop, length, tool_calls, content_filter, or whatever the script says. */
  finish: string;
}

/** In tokens. `prompt` includes `cached`, `completion` includes `reasoning`. */
export interface Usage {
  prompt: number;
  completion: number;
  cached: number;
  reasoning: number;
}
