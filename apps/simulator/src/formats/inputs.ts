import type { ChatCall } from '../answer/chat-call.js';
import { Conversation } from '../answer/read-conversation.js';
import { HASH_START, hashText, seededDice } from '../script/draw.js';
import type { Format, Refusal } from './format.js';
import { readOpenAiCall } from './openai-read.js';

const DIMENSIONS = 8;
const MOST_DIMENSIONS = 4_096;

/** A call as the inputs that it has. */
interface InputCall extends ChatCall {
  inputs: readonly string[];
  body: Record<string, unknown>;
}

/** Embeddings: the same vector of length 1 for the same text, short ones, so that a log stays small. */
export const embeddingsOf = (format: Format): Format => ({
  ...format,
  read: readInputs,
  unary: (call, { usage }) => {
    const { inputs, body, model } = call as InputCall;
    const asked = Number.isInteger(body['dimensions']) ? (body['dimensions'] as number) : DIMENSIONS;
    const vectors = inputs.map((input) => vectorOf(input, Math.min(asked, MOST_DIMENSIONS)));
    const data = vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: body['encoding_format'] === 'base64' ? base64Of(vector) : vector,
    }));
    const told = { prompt_tokens: usage.prompt, total_tokens: usage.prompt };
    return JSON.stringify({ object: 'list', data, model, usage: told });
  },
});

/** Moderations: what holds the word `harm` is flagged. */
export const moderationsOf = (format: Format): Format => ({
  ...format,
  read: readInputs,
  unary: (call, _answer, { n }) => {
    const { inputs, model } = call as InputCall;
    const results = inputs.map((input) => {
      const flagged = /\bharm\b/i.test(input);
      return { flagged, categories: { violence: flagged }, category_scores: { violence: flagged ? 0.9 : 0.01 } };
    });
    return JSON.stringify({ id: `modr-sim${n}`, model, results });
  },
});

function readInputs(body: Record<string, unknown>, _headers: unknown, model: string): InputCall | Refusal {
  const { input } = body;
  const isGiven = typeof input === 'string' || (Array.isArray(input) && input.length > 0);
  if (!isGiven) return { kind: 'bad_request', message: "Missing required parameter: 'input'.", param: 'input' };
  const list: readonly unknown[] = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  const inputs = list.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  const conversation = new Conversation();
  for (const each of inputs) conversation.add(each);
  const call = readOpenAiCall({ messages: [{ role: 'user', content: '' }], max_tokens: 0 }, model);
  return 'kind' in call ? call : { ...call, promptCharacters: conversation.characters, inputs, body };
}

function vectorOf(text: string, dimensions: number): number[] {
  const dice = seededDice(hashText(HASH_START, text));
  const raw = Array.from({ length: dimensions }, () => dice() * 2 - 1);
  const length = Math.hypot(...raw);
  return raw.map((each) => Math.fround(each / length));
}

const base64Of = (vector: readonly number[]): string => {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((each, i) => bytes.writeFloatLE(each, i * 4));
  return bytes.toString('base64');
};
