import { describe, expect, it } from '@jest/globals';
import type { FailureKind } from '@sluice/core';
import { failureInBand, failureOfReply } from './classify-failure.js';
import { failureOfSocketError } from './socket-error.js';
import { replyOf } from './test-calls.js';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');

/** Bodies as the providers write them; what each is to the failure table of core. */
const openai = (message: string, type: string | null, code: string | null, param: string | null = null) => ({
  error: { message, type, param, code },
});
const azure = (code: string, message: string, more: object = {}) => ({ error: { code, message, ...more } });
const anthropic = (type: string, message: string, details: object | null = null) => ({
  type: 'error',
  error: { type, message, details },
  request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
});

const INVALID = 'invalid_request_error';
const FLAGGED =
  'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.';

const OPENAI: [number, object, FailureKind][] = [
  [
    400,
    openai("Invalid value for 'temperature': 3.", INVALID, 'decimal_above_max_value', 'temperature'),
    'bad_request',
  ],
  [400, openai("Unsupported parameter: 'max_tokens'.", INVALID, 'unsupported_parameter', 'max_tokens'), 'bad_request'],
  [
    400,
    openai("This model's maximum context length is 8192 tokens.", INVALID, 'context_length_exceeded'),
    'context_length',
  ],
  [400, openai('Your input exceeds the context window of this model.', INVALID, null), 'context_length'],
  [
    429,
    openai(
      'Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12043.',
      'tokens',
      'rate_limit_exceeded',
    ),
    'context_length',
  ],
  [
    400,
    openai('Your request was rejected as a result of our safety system.', INVALID, 'content_policy_violation'),
    'content_filter',
  ],
  [400, openai(FLAGGED, INVALID, 'invalid_prompt'), 'content_filter'],
  [401, openai('Incorrect API key provided: sk-proj-abc.', INVALID, 'invalid_api_key'), 'auth'],
  [401, openai('Your account has been deactivated.', INVALID, 'account_deactivated'), 'auth'],
  [
    403,
    openai('Country, region, or territory not supported', 'request_forbidden', 'unsupported_country_region_territory'),
    'permission',
  ],
  [403, openai('Project does not have access to model `gpt-5`', INVALID, 'model_not_found'), 'permission'],
  [
    404,
    openai('The model `gpt-9` does not exist or you do not have access to it.', INVALID, 'model_not_found'),
    'not_found',
  ],
  [404, openai('This is not a chat model', INVALID, null, 'model'), 'not_found'],
  [
    429,
    openai('Rate limit reached for gpt-4o on requests per min (RPM)', 'requests', 'rate_limit_exceeded'),
    'rate_limit',
  ],
  [429, openai('Rate limit reached for gpt-4o on tokens per min (TPM)', 'tokens', 'rate_limit_exceeded'), 'rate_limit'],
  [429, openai('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'), 'quota_exhausted'],
  [429, openai('Your account is not active', 'billing_not_active', 'billing_not_active'), 'quota_exhausted'],
  [500, openai('The server had an error while processing your request.', 'server_error', null), 'server'],
  [500, openai('The model `gpt-4o` is currently overloaded', 'server_error', null), 'overloaded'],
  [503, openai('The engine is currently overloaded, please try again later', 'server_error', null), 'overloaded'],
  [503, openai('Slow Down', 'server_error', 'slow_down'), 'overloaded'],
];

const FILTERED = azure('content_filter', "The response was filtered due to Azure OpenAI's content management policy.", {
  innererror: { code: 'ResponsibleAIPolicyViolation' },
});
const AZURE: [number, object, FailureKind][] = [
  [400, FILTERED, 'content_filter'],
  [400, azure('context_length_exceeded', "This model's maximum context length is 4096 tokens."), 'context_length'],
  [
    400,
    azure('OperationNotSupported', 'The chatCompletion operation does not work with the specified model'),
    'not_found',
  ],
  [400, azure('BadRequest', 'API version not supported'), 'bad_request'],
  [401, azure('401', 'Access denied due to invalid subscription key or wrong API endpoint.'), 'auth'],
  [401, azure('PermissionDenied', 'The principal lacks the required data action'), 'auth'],
  [403, azure('403', 'Access denied due to Virtual Network/Firewall rules.'), 'permission'],
  [404, azure('DeploymentNotFound', 'The API deployment for this resource does not exist.'), 'not_found'],
  [404, azure('404', 'Resource not found'), 'not_found'],
  [408, azure('Timeout', 'The operation was timeout.'), 'server'],
  [429, azure('429', 'Requests have exceeded call rate limit of your current OpenAI S0 pricing tier.'), 'rate_limit'],
  [429, azure('NoCapacity', 'The system is currently experiencing high demand.'), 'rate_limit'],
  [500, azure('InternalServerError', 'The server had an error processing your request.'), 'server'],
  [503, azure('ServiceUnavailable', 'The service is temporarily unable to process your request.'), 'overloaded'],
  [504, azure('GatewayTimeout', 'The gateway did not receive a response'), 'server'],
];

const ANTHROPIC: [number, object, FailureKind][] = [
  [400, anthropic(INVALID, 'messages: at least one message is required'), 'bad_request'],
  [400, anthropic(INVALID, 'max_tokens: 100000 > 64000, which is the maximum allowed'), 'bad_request'],
  [400, anthropic(INVALID, 'prompt is too long: 207315 tokens > 200000 maximum'), 'context_length'],
  [
    400,
    anthropic(INVALID, 'input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000'),
    'context_length',
  ],
  [400, anthropic(INVALID, 'Output blocked by content filtering policy'), 'content_filter'],
  [400, anthropic(INVALID, 'Your credit balance is too low to access the Anthropic API.'), 'quota_exhausted'],
  [400, anthropic(INVALID, 'You have reached your specified API usage limits.'), 'quota_exhausted'],
  [400, anthropic(INVALID, 'This organization has been disabled.'), 'permission'],
  [401, anthropic('authentication_error', 'invalid x-api-key'), 'auth'],
  [402, anthropic('billing_error', 'There is an issue with your billing.'), 'quota_exhausted'],
  [403, anthropic('permission_error', 'Your API key does not have permission to use the resource.'), 'permission'],
  [404, anthropic('not_found_error', 'model: claude-9'), 'not_found'],
  [413, anthropic('request_too_large', 'Request exceeds the maximum size'), 'bad_request'],
  [429, anthropic('rate_limit_error', "This request would exceed your organization's rate limit"), 'rate_limit'],
  [429, anthropic('rate_limit_error', 'm', { error_code: 'org_spend_limit_exceeded' }), 'quota_exhausted'],
  [500, anthropic('api_error', 'Internal server error'), 'server'],
  [504, anthropic('timeout_error', 'The request timed out'), 'server'],
  [529, anthropic('overloaded_error', 'Overloaded'), 'overloaded'],
];

describe.each([
  ['OpenAI', OPENAI],
  ['Azure OpenAI', AZURE],
  ['Anthropic', ANTHROPIC],
])('what %s answers', (_vendor, cases) => {
  it.each(cases)('%d %j: %s', (status, body, kind) => {
    expect(failureOfReply(replyOf(body, status, {}), NOW_MS)).toMatchObject({ kind, status });
  });
});

describe('what a caller is told', () => {
  it('names no organization of ours', () => {
    const body = openai('Request too large for gpt-4 in organization org-AbC123dEf456 on tokens per min', null, null);
    expect(failureOfReply(replyOf(body, 429, {}), NOW_MS).message).not.toContain('AbC123dEf');
  });
});

describe('an error inside a stream', () => {
  it.each<[object, FailureKind]>([
    [openai('The server had an error', 'server_error', null), 'server'],
    [openai('Rate limit reached', 'tokens', 'rate_limit_exceeded'), 'rate_limit'],
    [openai(FLAGGED, INVALID, 'invalid_prompt'), 'content_filter'],
    [FILTERED, 'content_filter'],
    [anthropic('overloaded_error', 'Overloaded'), 'overloaded'],
    [anthropic('api_error', 'Internal server error'), 'server'],
    [anthropic(INVALID, 'Output blocked by content filtering policy'), 'content_filter'],
  ])('%j: %s', (body, kind) => {
    expect(failureInBand(body, {}, NOW_MS)).toMatchObject({ kind });
  });
});

describe('an error of the connection', () => {
  const coded = (code: string): Error => Object.assign(new Error(code), { code });

  it.each<[string, unknown, boolean, FailureKind]>([
    ['refused', coded('ECONNREFUSED'), false, 'network'],
    ['reset before the head', coded('ECONNRESET'), false, 'network'],
    ['reset after it', coded('ECONNRESET'), true, 'network'],
    ['unknown host', coded('ENOTFOUND'), false, 'network'],
    ['name server away', coded('EAI_AGAIN'), false, 'network'],
    ['no route', coded('EHOSTUNREACH'), false, 'network'],
    ['a pipe that broke', coded('EPIPE'), false, 'network'],
    ['a wrong certificate', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), false, 'network'],
    [
      'closed under a reused connection',
      Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
      false,
      'network',
    ],
    ['every address refused', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), false, 'network'],
    ['not there in time', coded('UND_ERR_CONNECT_TIMEOUT'), false, 'timeout'],
    ['not HTTP', coded('HPE_INVALID_CONSTANT'), false, 'malformed'],
    ['headers without end', coded('UND_ERR_HEADERS_OVERFLOW'), false, 'malformed'],
    ['no error at all', undefined, false, 'network'],
  ])('%s', (_what, error, hasHead, kind) => {
    const failure = failureOfSocketError(error, hasHead);
    expect(failure.kind).toBe(kind);
    expect(failure.phase).toBe(kind === 'timeout' ? 'connect' : undefined);
    expect(failure.message.length).toBeGreaterThan(0);
  });
});
