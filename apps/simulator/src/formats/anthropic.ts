import type { Answer, ChatCall, Choice, Usage } from '../answer/chat-call.js';
import { cutIntoPieces } from '../answer/cut-into-pieces.js';
import type { ReplyKind } from '../script/fault.js';
import type { Dimension, Dress, ErrorReply, Format, LimitState, Piece, Refusal } from './format.js';
import { readAnthropicCall } from './anthropic-read.js';
import { bearerOf } from './openai.js';

/** Anthropic's Messages. */
export const anthropic: Format = {
  name: 'anthropic',
  read: (body, headers, model) => readAnthropicCall(body, headers, model),
  unary: unaryBody,
  pieces: messagePieces,
  error: errorReply,
  inBandError: (kind, dress) => ({
    role: 'frame',
    step: 0,
    event: 'error',
    data: errorReply({ kind }, null, dress).body,
  }),
  unknownEvent: { role: 'frame', step: 0, event: 'sim_unknown', data: '{"type":"sim_unknown"}' },
  requestIdHeaders: (n) => ['request-id', `req_sim${n}`],
  limitHeaders,
  keyOf: (headers) => {
    const key = headers['x-api-key'];
    return typeof key === 'string' ? key : bearerOf(headers);
  },
  saysMillisecondsToo: false,
};

/** How many tokens a Messages call would have. */
export const anthropicCount: Format = {
  ...anthropic,
  read: (body, headers, model) => readAnthropicCall({ ...body, max_tokens: 1, stream: false }, headers, model),
  unary: (_call, { usage }) => JSON.stringify({ input_tokens: usage.prompt }),
};

const STOP_REASONS: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

const stopReasonJson = (finish: string): string => JSON.stringify(STOP_REASONS[finish] ?? finish);

const inputUsageJson = ({ prompt, cached }: Usage): string =>
  `"input_tokens":${prompt - cached},"cache_creation_input_tokens":0,"cache_read_input_tokens":${cached},"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}`;

const outputUsageJson = ({ completion, reasoning }: Usage): string =>
  `"output_tokens":${completion}${reasoning === 0 ? '' : `,"output_tokens_details":{"thinking_tokens":${reasoning}}`}`;

const toolId = (id: string): string => id.replace('call_', 'toolu_');

/** The script's arguments are text and may be no JSON on purpose; unary input has to be some. */
function inputJson(given: string): string {
  try {
    return JSON.stringify(JSON.parse(given));
  } catch {
    return JSON.stringify({ input: given });
  }
}

function unaryBody(call: ChatCall, { choices, usage }: Answer, dress: Dress): string {
  const { reasoning, text, toolCalls, finish } = choices[0]!;
  const blocks: string[] = [];
  if (reasoning !== '') blocks.push(`{"type":"thinking","thinking":${JSON.stringify(reasoning)},"signature":"sim"}`);
  if (text !== '') blocks.push(`{"type":"text","text":${JSON.stringify(text)}}`);
  for (const { id, name, arguments: given } of toolCalls) {
    blocks.push(`{"type":"tool_use","id":"${toolId(id)}","name":${JSON.stringify(name)},"input":${inputJson(given)}}`);
  }
  const reason = dress.noFinish ? 'null' : stopReasonJson(finish);
  const spent = dress.noUsage ? '' : `,"usage":{${inputUsageJson(usage)},${outputUsageJson(usage)}}`;
  return `{"id":"msg_sim${dress.n}","type":"message","role":"assistant","model":${JSON.stringify(call.model)},"content":[${blocks.join(',')}],"stop_reason":${reason},"stop_sequence":null${spent}}`;
}

function messagePieces(call: ChatCall, { choices, usage }: Answer, dress: Dress, characters: number): Piece[] {
  const choice = choices[0]!;
  const pieces: Piece[] = [];
  const spent = dress.noUsage ? '' : `,"usage":{${inputUsageJson(usage)},"output_tokens":1}`;
  pieces.push({
    role: 'open',
    step: 0,
    event: 'message_start',
    data: `{"type":"message_start","message":{"id":"msg_sim${dress.n}","type":"message","role":"assistant","model":${JSON.stringify(call.model)},"content":[],"stop_reason":null,"stop_sequence":null${spent}}}`,
  });
  pieces.push({ role: 'open', step: 0, event: 'ping', data: '{"type":"ping"}' });
  addBlocks(pieces, choice, characters);
  if (!dress.noFinish) {
    const total = dress.noUsage ? '' : `,"usage":{${outputUsageJson(usage)}}`;
    pieces.push({
      role: 'finish',
      step: 0,
      event: 'message_delta',
      data: `{"type":"message_delta","delta":{"stop_reason":${stopReasonJson(choice.finish)},"stop_sequence":null}${total}}`,
    });
  }
  pieces.push({ role: 'end', step: 0, event: 'message_stop', data: '{"type":"message_stop"}' });
  return pieces;
}

function addBlocks(pieces: Piece[], { reasoning, text, toolCalls }: Choice, characters: number): void {
  let index = 0;
  let step = 0;
  const start = (block: string, role: 'frame' | 'content'): void => {
    const data = `{"type":"content_block_start","index":${index},"content_block":${block}}`;
    pieces.push({ role, step: role === 'content' ? step++ : 0, event: 'content_block_start', data });
  };
  const delta = (json: string): void => {
    const data = `{"type":"content_block_delta","index":${index},"delta":${json}}`;
    pieces.push({ role: 'content', step: step++, event: 'content_block_delta', data });
  };
  const stop = (): void => {
    const data = `{"type":"content_block_stop","index":${index++}}`;
    pieces.push({ role: 'frame', step: 0, event: 'content_block_stop', data });
  };
  if (reasoning !== '') {
    start('{"type":"thinking","thinking":"","signature":""}', 'frame');
    for (const part of cutIntoPieces(reasoning, characters)) {
      delta(`{"type":"thinking_delta","thinking":${JSON.stringify(part)}}`);
    }
    const data = `{"type":"content_block_delta","index":${index},"delta":{"type":"signature_delta","signature":"sim"}}`;
    pieces.push({ role: 'frame', step: 0, event: 'content_block_delta', data });
    stop();
  }
  if (text !== '') {
    start('{"type":"text","text":""}', 'frame');
    for (const part of cutIntoPieces(text, characters)) delta(`{"type":"text_delta","text":${JSON.stringify(part)}}`);
    stop();
  }
  for (const { id, name, arguments: given } of toolCalls) {
    start(`{"type":"tool_use","id":"${toolId(id)}","name":${JSON.stringify(name)},"input":{}}`, 'content');
    // A tool without input has no deltas at all on the real wire.
    if (given !== '{}') {
      for (const part of cutIntoPieces(given, characters)) {
        delta(`{"type":"input_json_delta","partial_json":${JSON.stringify(part)}}`);
      }
    }
    stop();
  }
}

interface Words {
  status: number;
  type: string;
  message: string;
}

const ERRORS: Record<ReplyKind, Words> = {
  bad_request: { status: 400, type: 'invalid_request_error', message: 'The request is not valid.' },
  auth: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
  permission: {
    status: 403,
    type: 'permission_error',
    message: 'Your API key does not have permission to use the specified resource.',
  },
  not_found: { status: 404, type: 'not_found_error', message: 'The requested resource could not be found.' },
  context_length: {
    status: 400,
    type: 'invalid_request_error',
    message: 'prompt is too long: 207315 tokens > 200000 maximum',
  },
  content_filter: {
    status: 400,
    type: 'invalid_request_error',
    message: 'Output blocked by content filtering policy',
  },
  rate_limit: {
    status: 429,
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit.",
  },
  quota_exhausted: {
    status: 400,
    type: 'invalid_request_error',
    message:
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  },
  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  server: { status: 500, type: 'api_error', message: 'Internal server error' },
};

/** The type goes by the status where one is asked for without a kind of its own. */
const TYPE_OF_STATUS: Record<number, string> = {
  402: 'billing_error',
  409: 'conflict_error',
  413: 'request_too_large',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorReply({ kind, message, retryAfterMs }: Refusal, status: number | null, dress: Dress): ErrorReply {
  const words = ERRORS[kind];
  const type = (status === null ? undefined : TYPE_OF_STATUS[status]) ?? words.type;
  const hint = retryAfterMs === undefined ? '' : ` Please try again in ${retryAfterMs / 1_000}s.`;
  const error = { type, message: `${message ?? words.message}${hint}`, details: { error_code: null } };
  return {
    status: status ?? words.status,
    body: JSON.stringify({ type: 'error', error, request_id: `req_sim${dress.n}` }),
  };
}

function limitHeaders({ requests, tokens }: LimitState, withResets: boolean): string[] {
  const headers: string[] = [];
  const add = (name: string, dimension: Dimension | null): void => {
    if (dimension === null) return;
    headers.push(`anthropic-ratelimit-${name}-limit`, String(dimension.limit));
    headers.push(`anthropic-ratelimit-${name}-remaining`, String(dimension.remaining));
    if (withResets) headers.push(`anthropic-ratelimit-${name}-reset`, rfc3339(dimension.resetAtMs));
  };
  add('requests', requests);
  add('tokens', tokens);
  return headers;
}

/** Whole seconds, rounded up, as Anthropic writes it. */
const rfc3339 = (atMs: number): string => `${new Date(Math.ceil(atMs / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
