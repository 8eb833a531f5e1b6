import { removePath, type Deployment } from '@sluice/core';
import type { Call, ChatBody } from '../adapter.js';
import { isOwnParam } from '@sluice/wire';
import { recordOf } from '../provider-error.js';
import { modelTraitsOf } from './model-traits.js';

/** The body that a translation works on: without dropped paths and nulls, with the deployment's defaults. */
export interface ChatParams {
  source: string;
  body: ChatBody;
}

export function chatParams(call: Call, { target }: Deployment): ChatParams {
  let { source, body }: ChatParams = call;
  for (const path of target.additionalDropParams) source = removePath(source, path);
  if (source !== call.source) body = JSON.parse(source) as ChatBody;
  const merged: Record<string, unknown> = {};
  for (const key in target.defaults) if (!isLimit(key) || !hasLimit(body)) merged[key] = target.defaults[key];
  for (const key in body) if (body[key] !== null && body[key] !== undefined) merged[key] = body[key];
  return { source, body: merged as ChatBody };
}

const isLimit = (key: string): boolean => key === 'max_tokens' || key === 'max_completion_tokens';
const hasLimit = (body: ChatBody): boolean => (body['max_tokens'] ?? body['max_completion_tokens'] ?? null) !== null;

/** Translated by `openai-chat-to-anthropic.ts`, or passed on. */
const MAPPED = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'functions',
  'function_call',
  'parallel_tool_calls',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop',
  'response_format',
  'reasoning_effort',
  'thinking',
  'user',
]);

/** Of no consequence for the answer: left out without a word. Source: WIRE.md 11. */
const IGNORED = new Set(['metadata', 'store', 'service_tier', 'safety_identifier']);

/** Values that say what would happen anyway. */
const DEFAULTS = new Map<string, (value: unknown) => boolean>([
  ['n', (value) => value === 1],
  ['frequency_penalty', (value) => value === 0],
  ['presence_penalty', (value) => value === 0],
  ['temperature', (value) => value === 1],
  ['top_p', (value) => value === 1],
  ['logprobs', (value) => value === false],
  ['logit_bias', (value) => Object.keys(recordOf(value) ?? { value }).length === 0],
  ['modalities', (value) => Array.isArray(value) && value.every((each) => each === 'text')],
]);

/** OpenAI parameters in the call that an Anthropic target cannot serve; with drop_params none. Source: WIRE.md 3 and 11. */
export function unsupportedParams(call: Call, deployment: Deployment): string[] {
  const { target } = deployment;
  if (target.dropParams) return [];
  const { body } = chatParams(call, deployment);
  const traits = modelTraitsOf(deployment);
  const names: string[] = [];
  for (const key in body) {
    const value = body[key];
    if (IGNORED.has(key) || key.startsWith('prompt_cache_') || isOwnParam(key)) continue;
    if (target.allowedOpenaiParams.includes(key) || DEFAULTS.get(key)?.(value) === true) continue;
    if (!MAPPED.has(key)) names.push(key);
    else if (key === 'reasoning_effort' && traits.thinking === 'none' && value !== 'none') names.push(key);
    else if ((key === 'temperature' || key === 'top_p' || key === 'top_k') && traits.sampling === 'none')
      names.push(key);
    else if (key === 'response_format' && !FORMATS.has(recordOf(value)?.['type'])) names.push(key);
    else if (key === 'tool_choice' && recordOf(value)?.['type'] === 'allowed_tools') names.push(key);
    else if (key === 'tools' && Array.isArray(value)) names.push(...unsupportedTools(value));
  }
  for (const [index, { content }] of body.messages.entries()) {
    if (!Array.isArray(content)) continue;
    for (const [part, each] of content.entries()) {
      if (recordOf(each)?.['type'] === 'input_audio') names.push(`messages[${index}].content[${part}].input_audio`);
    }
  }
  return names;
}

const FORMATS = new Set<unknown>(['text', 'json_object', 'json_schema']);

/** Tools of other types may be Anthropic's own; OpenAI's `custom` with its grammar is not. */
const unsupportedTools = (tools: readonly unknown[]): string[] =>
  tools.flatMap((tool, index) => (recordOf(recordOf(tool)?.['custom']) === undefined ? [] : [`tools[${index}].type`]));
