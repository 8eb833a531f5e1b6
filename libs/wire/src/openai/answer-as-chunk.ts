import { recordOf } from '../record-of.js';
import { sseData } from '../sse.js';

/**
 * What a stream had sent of an answer before its end, made anew from the whole answer (`WholeAnswer`) in one event: role and
 * text of every choice. Its finish and usage are in what ended the stream.
 * @throws SyntaxError when the bytes are no JSON
 */
export function answerAsChunk(answer: string): string {
  const { choices, usage: _, object, ...top } = JSON.parse(answer) as Record<string, unknown>;
  const isChat = object !== 'text_completion';
  const told = (Array.isArray(choices) ? choices : []).map((choice: unknown) => {
    const { message, ...rest } = recordOf(choice) ?? {};
    return { ...rest, ...(isChat ? { delta: deltaOf(recordOf(message) ?? {}) } : {}), finish_reason: null };
  });
  return sseData(JSON.stringify({ ...top, object: isChat ? 'chat.completion.chunk' : object, choices: told }));
}

/** In a stream the pieces of a tool call are told apart by its index. */
function deltaOf({ tool_calls: calls, ...members }: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(calls)) return members;
  return { ...members, tool_calls: calls.map((call, index) => ({ index, ...recordOf(call) })) };
}
