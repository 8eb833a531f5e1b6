import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { sendRaw } from '../support/raw-http.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], { times: { headersMs: 150, requestMs: 300 } });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  sluice.simulator.setProfile('only', {});
  sluice.simulator.reset();
});

const head = (line: string, headers: Record<string, string> = {}): string =>
  [
    line,
    'host: sluice',
    `authorization: Bearer ${MASTER_KEY}`,
    ...Object.entries(headers).map((h) => h.join(': ')),
    '',
    '',
  ].join('\r\n');

const POST = 'POST /v1/chat/completions HTTP/1.1';
const json = (length: number): Record<string, string> => ({
  'content-type': 'application/json',
  'content-length': String(length),
});
const chunked = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };

const call = (extra: Record<string, unknown> = {}): string => {
  const body = JSON.stringify({ model: sluice.group, messages: [{ role: 'user', content: 'Hi.' }], ...extra });
  return head(POST, json(Buffer.byteLength(body))) + body;
};

/** Nothing of what came before is left: no job, no provider call, and the next caller is served. */
async function expectUnharmed(): Promise<void> {
  expect(sluice.simulator.stats().total).toBe(0);
  expect((await sluice.call({})).status).toBe(200);
}

describe('what is no request', () => {
  it.each<[string, number, string, () => string]>([
    ['text', 400, 'invalid_request', () => 'HELLO\r\n\r\n'],
    ['another protocol', 400, 'invalid_request', () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
    ['HTTP/9', 400, 'invalid_request', () => 'GET /readyz HTTP/9.1\r\nhost: a\r\n\r\n'],
    ['two lengths', 400, 'invalid_request', () => head(POST, { ...json(2), ...chunked })],
    ['a negative length', 400, 'invalid_request', () => head(POST, json(-1))],
    ['a header with a line break', 400, 'invalid_request', () => head('GET /v1/models HTTP/1.1', { 'x-a': 'b\r\n c' })],
    ['a chunk without a length', 400, 'invalid_request', () => `${head(POST, chunked)}zz\r\n{}`],
    [
      'headers of 17 KiB',
      431,
      'request_too_large',
      () => head('GET /v1/models HTTP/1.1', { 'x-a': 'a'.repeat(17 * 1024) }),
    ],
    ['a path of 17 KiB', 431, 'request_too_large', () => head(`GET /${'a'.repeat(17 * 1024)} HTTP/1.1`)],
  ])('(%s) is answered with %d, in our words, and the connection closed', async (_, status, code, bytes) => {
    const answer = await sendRaw(sluice.url, bytes(), { until: () => false });
    expect({ status: answer.status, ...answer.error }).toMatchObject({ status, code, type: 'invalid_request_error' });
    expect(answer.text).toMatch(/^connection: close\r$/m);
    expect(answer.endedBy).toBe('server');
    await expectUnharmed();
  });

  it.each<[string, () => string]>([
    ['in its headers', () => head('GET /v1/models HTTP/1.1').slice(0, 20)],
    ['in its body', () => `${head(POST, json(1_000))}{"model":`],
    ['in a chunk', () => `${head(POST, chunked)}3e8\r\n{"model":`],
  ])('but ends %s is told so, or goes without a trace', async (_, bytes) => {
    expect(await sendRaw(sluice.url, bytes(), { after: 'end' })).toMatchObject({
      status: 400,
      error: { code: 'invalid_request', message: expect.stringContaining('ended too early') },
    });
    expect(await sendRaw(sluice.url, bytes(), { after: 'reset' })).toMatchObject({ text: '', endedBy: 'server' });
    await expectUnharmed();
  });

  it.each<[string, () => string]>([
    ['headers', () => head('GET /v1/models HTTP/1.1').slice(0, 20)],
    ['body', () => `${head(POST, json(1_000))}{"model":`],
    ['chunks', () => `${head(POST, chunked)}3e8\r\n{"model":`],
  ])('for its %s do not come is given up in time', async (_, bytes) => {
    const answer = await sendRaw(sluice.url, bytes(), { until: () => false });
    expect(answer).toMatchObject({ status: 408, error: { code: 'invalid_request' }, endedBy: 'server' });
    expect(answer.error.message).toContain(
      'did not arrive in time: headers within 0.15 s, headers and body within 0.3 s',
    );
    await expectUnharmed();
  });
});

describe('a request', () => {
  it('may take longer to be answered than it may take to arrive', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 700 } }] });
    expect((await sendRaw(sluice.url, call())).status).toBe(200);
  });

  it('whose key is wrong is refused before its body has come', async () => {
    const bytes = head(POST, json(30_000_000)).replace(MASTER_KEY, 'sk-wrong');
    expect(await sendRaw(sluice.url, bytes)).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
  });

  it('in HTTP/1.0, without a host, is served and the connection closed', async () => {
    const answer = await sendRaw(sluice.url, 'GET /readyz HTTP/1.0\r\n\r\n', { until: () => false });
    expect(answer.status).toBe(200);
    expect(answer.endedBy).toBe('server');
  });

  it('may come with others on one connection; the answers keep their order', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 100 }, times: 1 }] });
    const bytes = call({ user: 'slow' }) + call({ user: 'fast', stream: true }) + head('GET /v1/nosuch HTTP/1.1');
    const { text } = await sendRaw(sluice.url, bytes, { until: (text) => text.includes('unknown_route') });
    const [json, stream, error] = text.split(/(?=HTTP\/1\.1 \d)/);
    expect(json).toMatch(/^HTTP\/1\.1 200[\s\S]*"object":"chat\.completion",/);
    expect(stream).toMatch(/^HTTP\/1\.1 200[\s\S]*"object":"chat\.completion\.chunk"[\s\S]*data: \[DONE\]/);
    expect(error).toMatch(/^HTTP\/1\.1 404/);
  });

  it('with garbage behind it, in the middle of its stream, is cut and not answered a second time', async () => {
    sluice.simulator.setProfile('only', { tokensPerSecond: 100 });
    const later = { when: 'chat.completion.chunk', bytes: 'GARBAGE\r\n\r\n' };
    const { text, endedBy } = await sendRaw(sluice.url, call({ stream: true }), { later, until: () => false });
    expect(endedBy).toBe('server');
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(text).not.toContain('[DONE]');
    await eventually(() => sluice.simulator.stats().clientClosed === 1, {
      withinMs: 1_000,
      what: 'the cancelled call',
    });
  });

  it('whose caller resets the connection is cancelled, and its provider’s socket closed within a second', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { hang: true } }] });
    const leaving = new AbortController();
    const gone = fetch(`${sluice.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      headers: { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: sluice.group, messages: [{ role: 'user', content: 'Hi.' }] }),
    }).catch((error: unknown) => error);
    await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 2_000, what: 'the provider call' });
    leaving.abort();
    await gone;
    await eventually(() => sluice.simulator.stats().inFlight === 0, { withinMs: 1_000, what: 'its end' });
    expect(sluice.simulator.stats()).toMatchObject({ clientClosed: 1, byStatus: {} });
  });

  it('that says so goes on without its caller', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 200 } }] });
    const leaving = new AbortController();
    const gone = fetch(`${sluice.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        'content-type': 'application/json',
        'x-sluice-on-disconnect': 'continue',
      },
      body: JSON.stringify({ model: sluice.group, messages: [{ role: 'user', content: 'Hi.' }] }),
    }).catch((error: unknown) => error);
    await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 2_000, what: 'the provider call' });
    leaving.abort();
    await gone;
    await eventually(() => sluice.simulator.stats().inFlight === 0, { withinMs: 2_000, what: 'its end' });
    expect(sluice.simulator.stats()).toMatchObject({ clientClosed: 0, byStatus: { '200': 1 } });
  });
});
