import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ERROR_CODES, type ErrorCode } from '@sluice/wire';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;
const key = { authorization: `Bearer ${MASTER_KEY}` };

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: `router_settings: {num_retries: 1, model_group_alias: {"openai/gpt-4o": GROUP, "hidden": {model: GROUP, hidden: true}}}`,
  });
});
afterAll(() => sluice?.stop());
beforeEach(() => sluice.simulator.setProfile('only', {}));

const get = (path: string, headers: Record<string, string> = key): Promise<Response> =>
  fetch(sluice.url + path, { headers });

interface Told {
  message: string;
  param: string | null;
  job_id?: string;
}

/** Status, body and headers of an error together. */
async function told(answer: Response | Promise<Response>): Promise<Told> {
  const response = await answer;
  const { error } = (await response.json()) as { error: Told };
  const { headers, status } = response;
  const of = (name: string): string | null => headers.get(name);
  return {
    status,
    ...error,
    contentType: of('content-type'),
    shouldRetry: of('x-should-retry'),
    id: of('x-request-id'),
  } as Told;
}

/** As the catalogue has it. */
function as(code: ErrorCode): object {
  const { status, type, retryable } = ERROR_CODES[code];
  const contentType = 'application/json; charset=utf-8';
  return {
    status,
    type,
    code,
    contentType,
    shouldRetry: String(retryable),
    id: expect.stringMatching(/^[\w.-]{1,128}$/),
  };
}

describe('the models', () => {
  it.each(['/v1/models', '/models'])('are listed at %s: groups, and aliases that are not hidden', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    const { object, data } = (await response.json()) as { object: string; data: { id: string }[] };
    expect(object).toBe('list');
    expect(data.map(({ id }) => id).toSorted()).toEqual([sluice.group, 'openai/gpt-4o'].toSorted());
    expect(data[0]).toEqual({
      id: expect.any(String),
      object: 'model',
      created: expect.any(Number),
      owned_by: 'sluice',
    });
  });

  it.each(['/v1/models/openai/gpt-4o', '/v1/models/openai%2Fgpt-4o', '/models/openai/gpt-4o'])(
    'are found by a name with a slash: %s',
    async (path) => {
      expect(await (await get(path)).json()).toMatchObject({ id: 'openai/gpt-4o', object: 'model' });
    },
  );

  it.each(['/v1/models/gpt-9', '/v1/models/hidden', `/v1/models/${'x'.repeat(600)}`, '/v1/models/%00'])(
    'are not found by another: %.40s',
    async (path) => {
      expect(await told(get(path))).toMatchObject({ ...as('model_not_found'), param: 'model' });
    },
  );
});

describe('a call’s key', () => {
  const wrong = 'sk-wrong';
  it.each<[string, Record<string, string>]>([
    ['x-litellm-api-key', { 'x-litellm-api-key': MASTER_KEY }],
    ['x-litellm-api-key with a scheme', { 'x-litellm-api-key': `Bearer ${MASTER_KEY}` }],
    ['Authorization', { authorization: `Bearer ${MASTER_KEY}` }],
    ['Authorization in small letters', { authorization: `bearer  ${MASTER_KEY}` }],
    ['api-key', { 'api-key': MASTER_KEY }],
    ['x-api-key', { 'x-api-key': MASTER_KEY }],
    ['x-litellm-api-key before Authorization', { 'x-litellm-api-key': MASTER_KEY, authorization: `Bearer ${wrong}` }],
    ['Authorization before api-key', { authorization: `Bearer ${MASTER_KEY}`, 'api-key': wrong }],
    ['api-key before x-api-key', { 'api-key': MASTER_KEY, 'x-api-key': wrong }],
    ['api-key beside a proxy’s Basic', { authorization: 'Basic dTpw', 'api-key': MASTER_KEY }],
    ['x-api-key beside an empty Bearer', { authorization: 'Bearer ', 'x-api-key': MASTER_KEY }],
  ])('is taken from %s', async (_, headers) => {
    expect((await get('/v1/models', headers)).status).toBe(200);
  });

  it.each<[ErrorCode, string, Record<string, string>]>([
    ['missing_api_key', 'no header', {}],
    ['missing_api_key', 'an empty Bearer', { authorization: 'Bearer ' }],
    ['missing_api_key', 'Basic', { authorization: 'Basic dTpw' }],
    ['missing_api_key', 'empty headers', { 'x-litellm-api-key': '', 'api-key': '', 'x-api-key': '' }],
    ['invalid_api_key', 'another key', { authorization: `Bearer ${wrong}` }],
    ['invalid_api_key', 'part of the key', { authorization: `Bearer ${MASTER_KEY.slice(0, -1)}` }],
    ['invalid_api_key', 'x-litellm-api-key wrong', { 'x-litellm-api-key': wrong, ...key }],
    ['invalid_api_key', 'Authorization wrong', { authorization: `Bearer ${wrong}`, 'api-key': MASTER_KEY }],
    ['invalid_api_key', 'api-key wrong', { 'api-key': wrong, 'x-api-key': MASTER_KEY }],
    ['invalid_api_key', 'letters no key has', { 'api-key': 'k\u00e9y' }],
  ])('is refused as %s: %s', async (code, _, headers) => {
    const refused = await told(get('/v1/models', headers));
    expect(refused).toMatchObject(as(code));
    expect(refused.message).not.toContain(MASTER_KEY.slice(0, 6));
  });

  it('is looked at before the body is read, and no body hides a wrong one', async () => {
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${sluice.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'text/xml' },
        body: '<no json/>',
      });
    expect(await told(send({}))).toMatchObject(as('missing_api_key'));
    expect(await told(send({ authorization: `Bearer ${wrong}` }))).toMatchObject(as('invalid_api_key'));
  });
});

describe('a route', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v2/models'],
    ['POST', '/v1/images/generations'],
    ['GET', '/v1/chat/completions'],
    ['PUT', '/v1/chat/completions'],
    ['OPTIONS', '/v1/chat/completions'],
    ['DELETE', '/v1/models'],
    ['POST', '/health'],
  ])('that is not there, %s %s, is told with and without a key', async (method, path) => {
    for (const headers of [key, {}]) {
      const message = `There is no ${method} ${path}.`;
      expect(await told(fetch(sluice.url + path, { method, headers }))).toMatchObject({
        ...as('unknown_route'),
        message,
      });
    }
  });

  it('is found with a slash too many', async () => {
    for (const path of ['/v1/models/', '//v1/models', '/v1//models']) expect((await get(path)).status).toBe(200);
  });

  it.each(['/v1/models/%zz', '/v1/models/%ff', '/%'])('with a broken escape, %s, is a bad request', async (path) => {
    expect(await told(get(path))).toMatchObject(as('invalid_request'));
  });

  it('answers HEAD like GET, without a body', async () => {
    const response = await fetch(`${sluice.url}/v1/models`, { method: 'HEAD', headers: key });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('an answer', () => {
  it.each(['/v1/chat/completions', '/chat/completions'])('comes from %s under its job’s id', async (path) => {
    const response = await fetch(sluice.url + path, {
      method: 'POST',
      headers: { ...key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'openai/gpt-4o', messages: [{ role: 'user', content: 'Hello.' }] }),
    });
    const answer = (await response.json()) as { id: string; model: string };
    const jobId = response.headers.get('x-sluice-job-id')!;
    expect(jobId).toMatch(/^job_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(answer).toMatchObject({ id: `chatcmpl-${jobId.slice(4)}`, model: 'openai/gpt-4o' });
  });

  it('says in its headers who served it, how often it was tried and how long it took', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'server' }, times: 1 }] });
    const { headers } = await sluice.call({});
    const number = /^\d+(\.\d+)?$/;
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-litellm-call-id': headers.get('x-sluice-job-id'),
      'x-litellm-model-id': `${sluice.group}-only`,
      'x-litellm-model-group': sluice.group,
      'x-litellm-model-api-base': sluice.simulator.origin, // no path: it may hold a name or a key
      'x-litellm-attempted-retries': '1',
      'x-litellm-attempted-fallbacks': '0',
      'x-litellm-max-retries': '1',
      'x-litellm-version': expect.stringMatching(/^\d+\.\d+\.\d+$/),
      'x-litellm-response-duration-ms': expect.stringMatching(number),
      'x-litellm-overhead-duration-ms': expect.stringMatching(number),
    });
    expect(headers.has('x-litellm-response-cost')).toBe(false); // not known
    expect(headers.has('x-should-retry')).toBe(false);
    const [took, overhead] = ['response', 'overhead'].map((w) => Number(headers.get(`x-litellm-${w}-duration-ms`)));
    expect(overhead).toBeLessThanOrEqual(took!);
  });

  it('says on a stream what its head knows', async () => {
    const response = await sluice.call({ stream: true });
    await response.text();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
      'x-sluice-job-id': expect.stringMatching(/^job_/),
      'x-litellm-call-id': response.headers.get('x-sluice-job-id'),
      'x-litellm-model-id': `${sluice.group}-only`,
      'x-litellm-model-api-base': sluice.simulator.origin,
      'x-litellm-attempted-retries': '0',
    });
    expect(response.headers.has('x-litellm-response-duration-ms')).toBe(false);
  });

  it.each<[string, RegExp]>([
    ['my.request-1_A', /^my[.]request-1_A$/],
    ['a'.repeat(128), /^a{128}$/],
    ['a'.repeat(129), /^req_[0-9a-f]{12}7[0-9a-f]{19}$/],
    ['with space', /^req_/],
    ['"quoted"', /^req_/],
    ['', /^req_/],
  ])('carries the caller’s x-request-id where it is harmless: %.40s', async (given, expected) => {
    const { headers } = await get('/v1/models', { ...key, 'x-request-id': given });
    expect(headers.get('x-request-id')).toMatch(expected);
  });
});

describe('an error', () => {
  it('after the call has become a job names the job, in header and body, for streams too', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'bad_request' } }] });
    for (const stream of [false, true]) {
      const response = await sluice.call({ stream });
      const jobId = response.headers.get('x-sluice-job-id');
      expect(jobId).toMatch(/^job_/);
      expect(response.headers.get('x-litellm-call-id')).toBe(jobId);
      expect(response.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-only`);
      expect(await told(response)).toMatchObject({ ...as('invalid_request'), job_id: jobId });
    }
  });

  it('for an unknown model names the nearest', async () => {
    expect(await told(sluice.call({ model: 'openai/gpt-4' }))).toMatchObject({
      ...as('model_not_found'),
      message: `There is no model "openai/gpt-4". Nearest names: openai/gpt-4o, ${sluice.group}.`,
      param: 'model',
    });
  });

  it('from a deployment that asks for time says how long', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { retryAfterMs: 3_000 } }] });
    const response = await sluice.call({}, { 'x-sluice-when-full': 'reject' });
    expect(await told(response)).toMatchObject(as('no_capacity'));
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(Number(response.headers.get('retry-after-ms'))).toBeGreaterThan(1_000);
  });
});
