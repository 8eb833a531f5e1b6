import type { Answer, ChatCall } from '../answer/chat-call.js';
import { Conversation } from '../answer/read-conversation.js';
import { cutIntoPieces } from '../answer/cut-into-pieces.js';
import type { Dress, Format, Piece, Refusal } from './format.js';
import { readOpenAiCall } from './openai-read.js';
import { usageJson } from './openai.js';

/** The older completions, in the errors and headers of OpenAI or Azure: one prompt, answered as one message would be. */
export const completionsOf = (format: Format): Format => ({
  ...format,
  read: (body, _headers, model) => readCompletion(body, model),
  unary: (call, answer, dress) => {
    const choices = answer.choices.map(({ text, finish }, index) =>
      choiceJson(index, text, dress.noFinish ? 'null' : JSON.stringify(finish)),
    );
    const usage = dress.noUsage ? '' : `,"usage":${usageJson(answer.usage)}`;
    return `${headOf(call, dress)}${choices.join(',')}]${usage}}`;
  },
  pieces: completionPieces,
});

const headOf = ({ model }: ChatCall, { n, createdAt }: Dress): string =>
  `{"id":"cmpl-sim${n}","object":"text_completion","created":${createdAt},"model":${JSON.stringify(model)},"choices":[`;

const choiceJson = (index: number, text: string, finish: string): string =>
  `{"text":${JSON.stringify(text)},"index":${index},"logprobs":null,"finish_reason":${finish}}`;

function completionPieces(call: ChatCall, answer: Answer, dress: Dress, characters: number): Piece[] {
  const head = headOf(call, dress);
  const tail = call.includeUsage && !dress.noUsage ? '],"usage":null}' : ']}';
  const pieces: Piece[] = [];
  for (const [index, { text, finish }] of answer.choices.entries()) {
    for (const [step, part] of cutIntoPieces(text, characters).entries()) {
      pieces.push({ role: 'content', step, data: head + choiceJson(index, part, 'null') + tail });
    }
    const end = head + choiceJson(index, '', JSON.stringify(finish)) + tail;
    if (!dress.noFinish) pieces.push({ role: 'finish', step: 0, data: end });
  }
  if (call.includeUsage && !dress.noUsage) {
    pieces.push({ role: 'usage', step: 0, data: `${head}],"usage":${usageJson(answer.usage)}}` });
  }
  pieces.push({ role: 'end', step: 0, data: '[DONE]' });
  return pieces;
}

function readCompletion(body: Record<string, unknown>, model: string): ChatCall | Refusal {
  const { prompt } = body;
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    return { kind: 'bad_request', message: "Missing required parameter: 'prompt'.", param: 'prompt' };
  }
  const content = typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
  const call = readOpenAiCall({ ...body, messages: [{ role: 'user', content }] }, model);
  const conversation = new Conversation(); // no role goes with it
  conversation.add(content);
  return 'kind' in call ? call : { ...call, promptCharacters: conversation.characters };
}
