import type { AnswerIdentity } from '../endpoints/presentation.js';
import { inputText, messageId, messageUsage, stopReasonOf } from './message-parts.js';
import { blocksOf, objectOf, textOf, type Json } from './read-block.js';

/**
 * A chat completion as a Message. What an Anthropic deployment answered is a Message already and passes byte by byte. Of
 * several choices there is the first. Tool arguments keep their text.
 */
export function chatToMessage(answer: Buffer, { jobId }: AnswerIdentity): Buffer {
  const body = JSON.parse(answer.toString()) as Json;
  if (body['type'] === 'message') return answer;
  const choice = objectOf((body['choices'] as unknown[] | undefined)?.[0]) ?? {};
  const message = objectOf(choice['message']) ?? {};
  const head = { id: messageId(jobId), type: 'message', role: 'assistant', model: body['model'] };
  const tail = {
    stop_reason: stopReasonOf(choice['finish_reason'], choice['native_finish_reason']),
    stop_sequence: null,
    usage: messageUsage(body['usage']),
  };
  const content = `,"content":[${blocksIn(message).join(',')}],`;
  return Buffer.from(JSON.stringify(head).slice(0, -1) + content + JSON.stringify(tail).slice(1));
}

/** JSON texts. */
function blocksIn(message: Json): string[] {
  const blocks: string[] = [];
  const thoughts = message['thinking_blocks'];
  if (Array.isArray(thoughts) && thoughts.length > 0) blocks.push(...thoughts.map((each) => JSON.stringify(each)));
  else if (textOf(message['reasoning_content']) !== '') {
    blocks.push(JSON.stringify({ type: 'thinking', thinking: message['reasoning_content'], signature: '' }));
  }
  for (const said of [...blocksOf(message['content']), { text: message['refusal'] }]) {
    const text = textOf((said as Json)['text']);
    if (text !== '') blocks.push(JSON.stringify({ type: 'text', text }));
  }
  for (const each of Array.isArray(message['tool_calls']) ? message['tool_calls'] : []) {
    const call = objectOf(each) ?? {};
    const { name, arguments: args } = objectOf(call['function']) ?? {};
    const opening = JSON.stringify({ type: 'tool_use', id: textOf(call['id']), name: textOf(name) });
    blocks.push(`${opening.slice(0, -1)},"input":${inputText(args)}}`);
  }
  return blocks;
}
