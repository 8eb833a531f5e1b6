import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}',
    times: { earlyHeadMs: 100, heartbeatMs: 50 },
  });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  play({});
  sluice.simulator.reset();
});

const play = (script: object): void => sluice.simulator.setProfile('only', script);

const post = (body: Record<string, unknown>, path = '/v1/responses', headers = {}): Promise<Response> =>
  fetch(`${sluice.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, ...headers },
    body: JSON.stringify({ model: sluice.group, input: 'Say hello.', ...body }),
  });

describe('POST /v1/responses', () => {
  it.each(['/v1/responses', '/responses'])('answers with a response whose id is its job: %s', async (path) => {
    play({ answer: { text: 'Hello, you.' } });
    const answer = await post({ instructions: 'Be brief.', metadata: { a: 'b' } }, path);
    const jobId = answer.headers.get('x-sluice-job-id')!;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-only`);
    expect(await answer.json()).toMatchObject({
      id: `resp_${jobId.slice(4)}`,
      object: 'response',
      status: 'completed',
      model: sluice.group,
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello, you.' }] }],
    });
    expect(sluice.simulator.requests({})[0]?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Say hello.' },
      ],
    });
  });

  it('streams its events, and ends without [DONE]', async () => {
    play({ answer: { text: 'Hello, you.' } });
    const text = await (await post({ stream: true })).text();
    const types = [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
    expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
    expect(types.at(-1)).toBe('response.completed');
    expect(text).not.toContain('[DONE]');
  });

  it('opens a slow stream with what can be said, and beats', async () => {
    play({ latency: { p50: 300, p95: 300, p99: 300 } });
    const text = await (await post({ stream: true })).text();
    expect(text).toMatch(/^event: response\.created[\s\S]*?response\.in_progress[\s\S]*?\n\n(?::hb\n)+event: /);
  });

  it('tells a failure before the head as an error, and after it as response.failed', async () => {
    play({ rules: [{ do: { kind: 'bad_request' } }] });
    const before = await post({ stream: true });
    expect(before.status).toBe(400);
    expect(await before.json()).toMatchObject({ error: { code: 'invalid_request' } });

    play({ answer: { tokens: 40 }, tokensPerChunk: 1, rules: [{ do: { errorAfter: 3, kind: 'server' } }] });
    const text = await (await post({ stream: true })).text();
    expect(text).toMatch(/event: response\.failed\n.*"status":"failed".*\n\n$/);
  });

  it.each([
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['temperature', { temperature: 3 }],
    ['model', { model: null }],
    ['api_base', { api_base: 'http://127.0.0.1' }],
  ])('names %s in a 400', async (param, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param, type: 'invalid_request_error' } });
    expect(sluice.simulator.requests({})).toEqual([]);
  });
});
