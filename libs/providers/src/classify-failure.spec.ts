import { describe, expect, it } from '@jest/globals';
import type { FailureKind } from '@sluice/core';
import { failureOfReply } from './classify-failure.js';
import { replyOf } from './test-calls.js';

const classify = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  failureOfReply(replyOf(body, status, headers), Date.parse('2026-11-21T12:00:00Z'));

const error = (rest: object) => ({ error: { message: 'm', ...rest } });

describe('W14 the status table', () => {
  it.each<[number, FailureKind]>([
    [301, 'not_found'],
    [307, 'not_found'],
    [400, 'bad_request'],
    [401, 'auth'],
    [402, 'quota_exhausted'],
    [403, 'permission'],
    [404, 'not_found'],
    [405, 'not_found'],
    [408, 'server'],
    [409, 'server'],
    [413, 'bad_request'],
    [422, 'bad_request'],
    [424, 'server'],
    [425, 'overloaded'],
    [429, 'rate_limit'],
    [498, 'overloaded'],
    [499, 'server'],
    [500, 'server'],
    [502, 'server'],
    [503, 'overloaded'],
    [504, 'server'],
    [529, 'overloaded'],
  ])('%d is %s', (status, kind) => {
    expect(classify(status, error({}))).toMatchObject({ kind, status, message: 'm' });
    expect(classify(status, '')).toMatchObject({ kind, status, message: `The provider answered with HTTP ${status}` });
  });
});

describe('W14 overrides', () => {
  it.each<[number, unknown, FailureKind]>([
    [429, error({ type: 'insufficient_quota', code: 'insufficient_quota' }), 'quota_exhausted'],
    [
      400,
      error({ type: 'invalid_request_error', message: 'Your credit balance is too low to access the API' }),
      'quota_exhausted',
    ],
    [403, error({ code: 'billing_hard_limit_reached' }), 'quota_exhausted'],
    [429, error({ details: { error_code: 'workspace_spend_limit_reached' } }), 'quota_exhausted'],
    [500, error({ code: 'insufficient_quota' }), 'server'],
    [400, error({ code: 'context_length_exceeded' }), 'context_length'],
    [400, error({ message: "This model's maximum context length is 128000 tokens." }), 'context_length'],
    [400, error({ message: 'prompt is too long: 207315 tokens > 200000 maximum' }), 'context_length'],
    [
      400,
      error({ message: 'The input token count (1200000) exceeds the maximum number of tokens allowed' }),
      'context_length',
    ],
    [413, error({ code: 'rate_limit_exceeded', message: 'Request too large' }), 'context_length'],
    [429, error({ code: 'rate_limit_exceeded' }), 'rate_limit'],
    [400, error({ code: 'string_above_max_length', message: 'too many tokens' }), 'bad_request'],
    [400, error({ code: 'content_filter' }), 'content_filter'],
    [400, error({ message: 'Your request was rejected as a result of our safety system.' }), 'content_filter'],
    [400, error({ innererror: { code: 'ResponsibleAIPolicyViolation' } }), 'content_filter'],
    [400, error({ details: [{ reason: 'API_KEY_INVALID' }] }), 'auth'],
    [429, error({ code: 'slow_down' }), 'overloaded'],
    [500, error({ message: 'Overloaded' }), 'overloaded'],
  ])('%d %j is %s', (status, body, kind) => {
    expect(classify(status, body)).toMatchObject({ kind, status });
  });

  it('W19 Azure\'s filter 400 and its 429 with code "429"', () => {
    const filtered = {
      error: {
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy..",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
        innererror: { code: 'ResponsibleAIPolicyViolation' },
      },
    };
    expect(classify(400, filtered)).toMatchObject({ kind: 'content_filter', code: 'content_filter' });
    const limited = {
      error: { code: '429', message: '.. have exceeded token rate limit .. Please retry after 6 seconds.' },
    };
    expect(classify(429, limited, { 'apim-request-id': 'r1' })).toMatchObject({
      kind: 'rate_limit',
      code: '429',
      retryAfterMs: 6_000,
      requestId: 'r1',
    });
    expect(classify(404, { error: { code: 'DeploymentNotFound', message: 'm' } })).toMatchObject({ kind: 'not_found' });
  });

  it("W32 Anthropic's limits, spend limit and 529", () => {
    const body = {
      type: 'error',
      error: { type: 'rate_limit_error', message: 'm', details: { error_code: null } },
      request_id: 'req_1',
    };
    const headers = {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-21T12:00:07Z',
    };
    expect(classify(429, body, headers)).toMatchObject({
      kind: 'rate_limit',
      retryAfterMs: 7_000,
      requestId: 'req_1',
      code: 'rate_limit_error',
    });
    const spent = { ...body, error: { ...body.error, details: { error_code: 'org_spend_limit_exceeded' } } };
    expect(classify(429, spent)).toMatchObject({ kind: 'quota_exhausted' });
    expect(classify(529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })).toMatchObject({
      kind: 'overloaded',
    });
  });
});

describe('what a failure says', () => {
  it.each([
    [{ message: 'flat', code: 'x' }, 'flat'],
    [{ detail: 'detail' }, 'detail'],
    [{ detail: [{ loc: ['body'], msg: 'field required' }] }, 'field required'],
    [{ error: 'text' }, 'text'],
    [[{ error: { message: 'in a list' } }], 'in a list'],
    ['plain words', 'plain words'],
    ['<html><body>Bad gateway</body></html>', 'The provider answered with HTTP 500'],
    [error({ message: 'two\n lines' }), 'two lines'],
    [
      error({ message: 'Incorrect API key provided: sk-proj-abcdef1234567890.' }),
      'Incorrect API key provided: ***890.',
    ],
    [error({ message: `x ${'0123456789abcdef'.repeat(4)}` }), 'x ***cdef'],
  ])('%j', (body, message) => {
    expect(classify(500, body).message).toBe(message);
  });

  it('nothing, when the error is made of objects that have no text', () => {
    expect(classify(500, error({ code: { toString: null }, message: { toString: null } }))).toMatchObject({
      kind: 'server',
    });
  });

  it('at most 500 characters, and the parameter for bad requests', () => {
    expect(classify(500, error({ message: 'a b '.repeat(1_000) })).message).toHaveLength(500);
    expect(classify(400, error({ param: 'top_k' }))).toMatchObject({ param: 'top_k' });
    expect(classify(401, error({ param: 'top_k' }))).not.toHaveProperty('param');
  });
});
