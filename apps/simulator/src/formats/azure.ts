import type { ReplyKind } from '../script/fault.js';
import type { Dress, ErrorReply, Format, Piece, Refusal } from './format.js';
import { bearerOf, chatPieces, openai, openAiLimitHeaders, unaryBody } from './openai.js';

const SAFE =
  '{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}';
const CHOICE_EXTRA = `,"content_filter_results":${SAFE}`;
const PROMPT_RESULTS = `"prompt_filter_results":[{"prompt_index":0,"content_filter_results":${SAFE}}]`;

/** Before the role: a chunk without id, model and choices, as Azure sends it. */
const FILTER_CHUNK: Piece = {
  role: 'open',
  step: 0,
  data: `{"choices":[],"created":0,"id":"","model":"","object":"",${PROMPT_RESULTS}}`,
};

/** Azure OpenAI: OpenAI's answers with filter results, its own errors and headers. */
export const azure: Format = {
  ...openai,
  name: 'azure',
  unary: (call, answer, dress) => unaryBody(call, answer, dress, CHOICE_EXTRA, `,${PROMPT_RESULTS}`),
  pieces: (call, answer, dress, characters) => [
    FILTER_CHUNK,
    ...chatPieces(call, answer, dress, characters, CHOICE_EXTRA),
  ],
  error: errorReply,
  inBandError: (kind, dress) => ({ role: 'frame', step: 0, data: errorReply({ kind }, null, dress).body }),
  requestIdHeaders: (n) => ['apim-request-id', `sim-${n}`, 'x-request-id', `req_sim${n}`],
  // Azure names what is left, never when it is back.
  limitHeaders: (state) => openAiLimitHeaders(state, false),
  keyOf: (headers) => {
    const key = headers['api-key'];
    return typeof key === 'string' ? key : bearerOf(headers);
  },
  saysMillisecondsToo: true,
};

interface Words {
  status: number;
  code: string;
  message: string;
}

/** Kinds that Azure words itself; the others are worded as OpenAI does. */
const ERRORS: Partial<Record<ReplyKind, Words>> = {
  auth: {
    status: 401,
    code: '401',
    message:
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  },
  permission: {
    status: 403,
    code: '403',
    message: 'Access denied due to Virtual Network/Firewall rules.',
  },
  not_found: {
    status: 404,
    code: 'DeploymentNotFound',
    message:
      'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
  },
  overloaded: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The service is temporarily unable to process your request.',
  },
  server: { status: 500, code: 'InternalServerError', message: 'The server had an error processing your request.' },
};

const FILTERED =
  "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.";

function errorReply(refusal: Refusal, status: number | null, dress: Dress): ErrorReply {
  const { kind, message, retryAfterMs } = refusal;
  if (kind === 'rate_limit') return rateLimited(refusal, status);
  if (kind === 'content_filter') {
    const innererror = {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: { hate: { filtered: true, severity: 'high' } },
    };
    const error = {
      message: message ?? FILTERED,
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror,
    };
    return { status: status ?? 400, body: JSON.stringify({ error }) };
  }
  const words = ERRORS[kind];
  if (words === undefined) return openai.error(refusal, status, dress);
  const hint = retryAfterMs === undefined ? '' : ` Please retry after ${seconds(retryAfterMs)}.`;
  const error = { code: words.code, message: `${message ?? words.message}${hint}` };
  return { status: status ?? words.status, body: JSON.stringify({ error }) };
}

function rateLimited({ message, retryAfterMs, limit }: Refusal, status: number | null): ErrorReply {
  const what = limit === 'tokens' ? 'token rate limit' : 'call rate limit';
  const hint = retryAfterMs === undefined ? '' : ` Please retry after ${seconds(retryAfterMs)}.`;
  const text =
    message ?? `Requests to the ChatCompletions_Create Operation have exceeded ${what} of your current pricing tier.`;
  return { status: status ?? 429, body: JSON.stringify({ error: { code: '429', message: `${text}${hint}` } }) };
}

const seconds = (ms: number): string => (ms === 1_000 ? '1 second' : `${ms / 1_000} seconds`);
