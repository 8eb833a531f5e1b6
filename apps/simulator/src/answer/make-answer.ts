import { hashText, seededDice } from '../script/draw.js';
import type { AnswerScript } from '../script/script.js';
import type { Answer, ChatCall, Choice } from './chat-call.js';
import { exampleOf } from './example-of-schema.js';

export const CHARACTERS_PER_TOKEN = 4;

export const tokensIn = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);

/**
 * The answer to a call: the same for the same conversation, model, script and seed, streamed or not. Where the script has
 * no text it is made of words of three letters and a space, so that one word is one token.
 */
export function makeAnswer(call: ChatCall, script: AnswerScript, seed: number): Answer {
  const choices: Choice[] = [];
  let completionCharacters = 0;
  let completion = 0;
  let reasoning = 0;
  for (let index = 0; index < call.n; index++) {
    const choice = makeChoice(call, script, hashText(call.conversationHash ^ seed, call.model) + index);
    choices.push(choice);
    reasoning += tokensIn(choice.reasoning.length);
    completionCharacters = choice.text.length;
    for (const { name, arguments: given } of choice.toolCalls) completionCharacters += name.length + given.length;
    completion += tokensIn(choice.reasoning.length) + tokensIn(completionCharacters);
  }
  const prompt = Math.max(1, tokensIn(call.promptCharacters));
  return { choices, usage: { prompt, completion, cached: Math.min(prompt, script.cachedTokens), reasoning } };
}

function makeChoice(call: ChatCall, script: AnswerScript, seed: number): Choice {
  const reasoning = script.reasoning ?? '';
  const toolCalls = toolCallsOf(call, script, seed);
  if (toolCalls.length > 0) {
    return { reasoning, text: '', toolCalls, finish: script.finish === 'stop' ? 'tool_calls' : script.finish };
  }
  const text = continued(textOf(call, script, seed), call, script);
  const room = call.maxTokens === null ? Infinity : call.maxTokens * CHARACTERS_PER_TOKEN - reasoning.length;
  if (text.length > room)
    return { reasoning, text: text.slice(0, Math.max(0, room)).toWellFormed(), toolCalls, finish: 'length' };
  return { reasoning, text, toolCalls, finish: script.finish };
}

/**
 * Tools are called when the script says which, or the caller insists. After a tool's result the model answers in text,
 * as real ones do, or every agent would go round for ever; unless the caller insists.
 */
function toolCallsOf(call: ChatCall, script: AnswerScript, seed: number): Choice['toolCalls'] {
  const { tools, toolChoice } = call;
  if (tools.length === 0 || toolChoice === 'none') return [];
  if (toolChoice === 'auto' && (script.toolCalls.length === 0 || call.endsInToolResult)) return [];

  let wanted = script.toolCalls;
  if (typeof toolChoice === 'object') wanted = wanted.filter(({ name }) => name === toolChoice.name);
  if (wanted.length === 0) {
    const tool = typeof toolChoice === 'object' ? tools.find(({ name }) => name === toolChoice.name) : tools[0];
    if (tool === undefined) return [];
    wanted = [{ name: tool.name, arguments: JSON.stringify(exampleOf(tool.schema)) }];
  }
  if (!call.parallelToolCalls) wanted = wanted.slice(0, 1);
  return wanted.map((tool, i) => ({ id: `call_${idText(seed, i)}`, name: tool.name, arguments: tool.arguments }));
}

function textOf(call: ChatCall, script: AnswerScript, seed: number): string {
  if (call.json === null) return script.text ?? words(script.tokens, seed);
  if (script.text !== null) return isJson(script.text) ? script.text : JSON.stringify({ answer: script.text });
  if (call.json.schema !== undefined) return JSON.stringify(exampleOf(call.json.schema));
  const around = '{"answer":""}'.length;
  return JSON.stringify({ answer: words(Math.max(1, script.tokens - tokensIn(around)), seed) });
}

/**
 * What is left of the answer behind the text that the caller has put into the model's mouth, or asked it to go on with; or
 * what a model makes of that which does not do as it is told.
 */
function continued(text: string, { prefill, askedToGoOn }: ChatCall, script: AnswerScript): string {
  const said = script.prefill === 'continue' ? (prefill ?? askedToGoOn) : askedToGoOn;
  if (said === null || !text.startsWith(said)) return text;
  switch (script.goesOn) {
    case 'after':
      return text.slice(said.length);
    case 'again':
      return text;
    case 'otherwise':
      return `${text.slice(0, placeOfWord(text, WORDS_SAID_BEFORE_DEPARTING))}but then something else altogether.`;
    case 'overlapping': {
      const words = said.split(' ');
      return text.slice(words.slice(0, -WORDS_SAID_TWICE).join(' ').length).trimStart();
    }
  }
}

const WORDS_SAID_TWICE = 4;
const WORDS_SAID_BEFORE_DEPARTING = 5;

/** Where the word of that number begins. */
const placeOfWord = (text: string, words: number): number => text.split(' ').slice(0, words).join(' ').length + 1;

const WORDS = (
  'the sun has set and one old fox ran off you can see how few men saw him but she did not say who hid her hat ' +
  'now let two big red ants eat all our jam any day this may end for sea and sky are wet too'
)
  .split(' ')
  .filter((word) => word.length === 3);

/** `tokens` words of four characters each, the space included; the last ends in a full stop. */
export function words(tokens: number, seed: number): string {
  const dice = seededDice(seed);
  let text = '';
  for (let i = 1; i < tokens; i++) text += `${WORDS[Math.floor(dice() * WORDS.length)]!} `;
  return tokens === 0 ? '' : `${text}${WORDS[Math.floor(dice() * WORDS.length)]!}.`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** 16 hex digits that follow from the seed. */
const idText = (seed: number, nth: number): string =>
  [0, 1]
    .map((half) =>
      hashText(seed >>> 0, `${nth}.${half}`)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
