/** What the callers of a stream have been sent of its answer, read back from the chunks themselves. */
export interface DeliveredAnswer {
  /** As its chunks say. */
  model: string;
  text: string;
  reasoning: string;
  /** A whole signed thought (`thinking_blocks`) was among it. */
  hasThoughts: boolean;
  /** Chunks with content. */
  chunks: number;
  /** Something of which half an answer is worth nothing: nobody could go on with it. */
  unspliceable: 'tool_calls' | 'choices' | 'logprobs' | 'refusal' | 'media' | 'completion' | 'block' | undefined;
}

interface Chunk {
  model?: string;
  choices?: readonly {
    index?: number;
    delta?: Readonly<Record<string, unknown>>;
    /** Of a completion. */
    text?: unknown;
    logprobs?: unknown;
  }[];
  /** Of an event of Anthropic's Messages. */
  type?: string;
  message?: { model?: string };
  content_block?: { type?: string; text?: unknown };
  delta?: { type?: string; text?: unknown; thinking?: unknown };
}

const WHAT: readonly (readonly [member: string, what: DeliveredAnswer['unspliceable']])[] = [
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['refusal', 'refusal'],
  ['audio', 'media'],
  ['images', 'media'],
];

export const nothingDelivered = (): DeliveredAnswer => ({
  model: '',
  text: '',
  reasoning: '',
  hasThoughts: false,
  chunks: 0,
  unspliceable: undefined,
});

/** @param events SSE bytes as they were sent: whole events */
export function addDelivered(answer: DeliveredAnswer, events: string): void {
  for (const event of events.split('\n\n')) {
    if (event.startsWith('data: {')) addChunk(answer, JSON.parse(event.slice(6)) as Chunk);
  }
}

function addChunk(answer: DeliveredAnswer, { model, choices = [], ...event }: Chunk): void {
  answer.model ||= model ?? event.message?.model ?? '';
  if (event.type !== undefined) return addMessageEvent(answer, event);
  for (const { index = 0, delta = {}, text, logprobs } of choices) {
    if (holdsSomething(text)) answer.unspliceable ??= 'completion'; // what follows a prompt is no turn in a chat
    if (index > 0) answer.unspliceable ??= 'choices';
    if (typeof logprobs === 'object' && logprobs !== null) answer.unspliceable ??= 'logprobs';
    const { content, reasoning_content: reasoning, thinking_blocks: thoughts } = delta;
    if (typeof content === 'string') answer.text += content;
    if (typeof reasoning === 'string') answer.reasoning += reasoning;
    if (holdsSomething(thoughts)) answer.hasThoughts = true;
    if (holdsSomething(content) || holdsSomething(reasoning)) answer.chunks++;
    for (const [member, what] of WHAT) if (holdsSomething(delta[member])) answer.unspliceable ??= what;
  }
}

/** Text may be gone on with, and thoughts be left; half a block of another kind is worth nothing. */
function addMessageEvent(answer: DeliveredAnswer, { content_block: block, delta }: Chunk): void {
  const { type, text, thinking } = { ...block, ...delta } as NonNullable<Chunk['delta']>;
  if (typeof text === 'string') answer.text += text;
  else if (typeof thinking === 'string') answer.reasoning += thinking;
  else if (type === 'signature_delta' || type === 'redacted_thinking') answer.hasThoughts = true;
  else if (type !== undefined)
    answer.unspliceable ??= type === 'tool_use' || type === 'input_json_delta' ? 'tool_calls' : 'block';
  if (holdsSomething(text) || holdsSomething(thinking)) answer.chunks++;
}

const holdsSomething = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
