import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, ChatCall, Choice, Usage } from '../answer/chat-call.js';
import { cutIntoPieces } from '../answer/cut-into-pieces.js';
import type { ReplyKind } from '../script/fault.js';
import type { Dimension, Dress, ErrorReply, Format, LimitState, Piece, Refusal } from './format.js';
import { readOpenAiCall } from './openai-read.js';

/** Gateways pass the fingerprint on and drop most headers: so it tells what the model took, as x-sim-latency-ms does. */
const fingerprint = ({ drawnMs }: Dress): string => `fp_sim_${drawnMs}`;

/** Chat completions as OpenAI and those who follow it speak them. */
export const openai: Format = {
  name: 'openai',
  read: (body, _headers, model) => readOpenAiCall(body, model),
  unary: (call, answer, dress) => unaryBody(call, answer, dress, '', ''),
  pieces: (call, answer, dress, characters) => chatPieces(call, answer, dress, characters, ''),
  error: errorReply,
  inBandError: (kind, dress) => ({ role: 'frame', step: 0, data: errorReply({ kind }, null, dress).body }),
  unknownEvent: { role: 'frame', step: 0, event: 'sim.unknown', data: '{"object":"sim.unknown","choices":[]}' },
  requestIdHeaders: (n) => ['x-request-id', `req_sim${n}`],
  limitHeaders: openAiLimitHeaders,
  keyOf: bearerOf,
  saysMillisecondsToo: false,
};

export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : undefined;
}

/** `choiceExtra` and `bodyExtra`: members that Azure adds, with their leading comma. */
export function unaryBody(
  call: ChatCall,
  answer: Answer,
  dress: Dress,
  choiceExtra: string,
  bodyExtra: string,
): string {
  let choices = '';
  for (let i = 0; i < answer.choices.length; i++) {
    const choice = answer.choices[i]!;
    const finish = dress.noFinish ? 'null' : JSON.stringify(choice.finish);
    choices += `${i === 0 ? '' : ','}{"index":${i},"message":${messageJson(choice)},"logprobs":null,"finish_reason":${finish}${choiceExtra}}`;
  }
  const usage = dress.noUsage ? '' : `,"usage":${usageJson(answer.usage)}`;
  return `{"id":"chatcmpl-sim${dress.n}","object":"chat.completion","created":${dress.createdAt},"model":${JSON.stringify(call.model)},"choices":[${choices}]${usage},"service_tier":"default","system_fingerprint":"${fingerprint(dress)}"${bodyExtra}}`;
}

function messageJson({ text, reasoning, toolCalls }: Choice): string {
  const content = toolCalls.length > 0 && text === '' ? 'null' : JSON.stringify(text);
  const thought = reasoning === '' ? '' : `,"reasoning_content":${JSON.stringify(reasoning)}`;
  const calls =
    toolCalls.length === 0
      ? ''
      : `,"tool_calls":${JSON.stringify(toolCalls.map(({ id, name, arguments: given }) => ({ id, type: 'function', function: { name, arguments: given } })))}`;
  return `{"role":"assistant","content":${content},"refusal":null${thought}${calls}}`;
}

export const usageJson = ({ prompt, completion, cached, reasoning }: Usage): string =>
  `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion},"prompt_tokens_details":{"cached_tokens":${cached}},"completion_tokens_details":{"reasoning_tokens":${reasoning}}}`;

export function chatPieces(
  call: ChatCall,
  answer: Answer,
  dress: Dress,
  characters: number,
  choiceExtra: string,
): Piece[] {
  const head = `{"id":"chatcmpl-sim${dress.n}","object":"chat.completion.chunk","created":${dress.createdAt},"model":${JSON.stringify(call.model)},"service_tier":"default","system_fingerprint":"${fingerprint(dress)}","choices":[`;
  const tail = call.includeUsage && !dress.noUsage ? '],"usage":null}' : ']}';
  const chunk = (index: number, delta: string, finish = 'null'): string =>
    `${head}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}${choiceExtra}}${tail}`;

  const pieces: Piece[] = answer.choices.map((_choice, index) => ({
    role: 'open',
    step: 0,
    data: chunk(index, '{"role":"assistant","content":"","refusal":null}'),
  }));
  const lanes = answer.choices.map((choice) => deltasOf(choice, characters));
  const longest = Math.max(...lanes.map((lane) => lane.length));
  for (let step = 0; step < longest; step++) {
    for (let index = 0; index < lanes.length; index++) {
      const delta = lanes[index]![step];
      if (delta !== undefined) pieces.push({ role: 'content', step, data: chunk(index, delta) });
    }
  }
  if (!dress.noFinish) {
    for (let index = 0; index < answer.choices.length; index++) {
      const finish = JSON.stringify(answer.choices[index]!.finish);
      pieces.push({ role: 'finish', step: 0, data: chunk(index, '{}', finish) });
    }
  }
  if (call.includeUsage && !dress.noUsage) {
    pieces.push({ role: 'usage', step: 0, data: `${head}],"usage":${usageJson(answer.usage)}}` });
  }
  pieces.push({ role: 'end', step: 0, data: '[DONE]' });
  return pieces;
}

function deltasOf({ reasoning, text, toolCalls }: Choice, characters: number): string[] {
  const deltas: string[] = [];
  for (const part of cutIntoPieces(reasoning, characters)) deltas.push(`{"reasoning_content":${JSON.stringify(part)}}`);
  for (const part of cutIntoPieces(text, characters)) deltas.push(`{"content":${JSON.stringify(part)}}`);
  toolCalls.forEach(({ id, name, arguments: given }, index) => {
    const opening = { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] };
    deltas.push(JSON.stringify(opening));
    for (const part of cutIntoPieces(given, characters)) {
      deltas.push(`{"tool_calls":[{"index":${index},"function":{"arguments":${JSON.stringify(part)}}}]}`);
    }
  });
  return deltas;
}

interface Words {
  status: number;
  type: string;
  code: string | null;
  param?: string;
  message: string;
}

const ERRORS: Record<ReplyKind, Words> = {
  bad_request: { status: 400, type: 'invalid_request_error', code: null, message: 'The request is not valid.' },
  auth: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' },
  permission: {
    status: 403,
    type: 'invalid_request_error',
    code: 'permission_denied',
    message: 'Your project does not have access to this model.',
  },
  not_found: {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'The model does not exist or you do not have access to it.',
  },
  context_length: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    param: 'messages',
    message:
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.",
  },
  content_filter: {
    status: 400,
    type: 'invalid_request_error',
    code: 'content_policy_violation',
    message: 'Your request was rejected as a result of our safety system.',
  },
  rate_limit: { status: 429, type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached.' },
  quota_exhausted: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    code: null,
    message: 'The engine is currently overloaded, please try again later.',
  },
  server: {
    status: 500,
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request.',
  },
};

function errorReply(refusal: Refusal, status: number | null, _dress: Dress): ErrorReply {
  const words = ERRORS[refusal.kind];
  const { param = words.param ?? null, retryAfterMs } = refusal;
  let message = refusal.message ?? words.message;
  if (retryAfterMs !== undefined) message += ` Please try again in ${retryAfterMs / 1_000}s.`;
  const type = refusal.limit === 'tokens' ? 'tokens' : words.type;
  return {
    status: status ?? words.status,
    body: JSON.stringify({ error: { message, type, param, code: words.code } }),
  };
}

export function openAiLimitHeaders({ requests, tokens }: LimitState, withResets: boolean): string[] {
  const headers: string[] = [];
  const add = (name: string, dimension: Dimension | null): void => {
    if (dimension === null) return;
    headers.push(`x-ratelimit-limit-${name}`, String(dimension.limit));
    headers.push(`x-ratelimit-remaining-${name}`, String(dimension.remaining));
    if (withResets) headers.push(`x-ratelimit-reset-${name}`, goDuration(dimension.resetMs));
  };
  add('requests', requests);
  add('tokens', tokens);
  return headers;
}

/** As Go prints it: 6m0s, 2m59.56s, 120ms. */
export function goDuration(ms: number): string {
  const rounded = Math.ceil(ms);
  if (rounded < 1_000) return `${rounded}ms`;
  const minutes = Math.floor(rounded / 60_000);
  const seconds = `${(rounded % 60_000) / 1_000}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
