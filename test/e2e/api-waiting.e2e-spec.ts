import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { sendRaw } from '../support/raw-http.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: 'litellm_settings: {num_retries: 0}',
    times: { earlyHeadMs: 100, heartbeatMs: 60 },
  });
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  sluice.simulator.setProfile('only', {});
  sluice.simulator.reset();
});

describe('a caller whose wait is over', () => {
  it('is told so and that a repeat is of no use, and the call goes on', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 400 } }] });
    const started = performance.now();
    const response = await sluice.call({}, { prefer: 'wait=0.2' });
    expect(performance.now() - started).toBeLessThan(390);
    const jobId = response.headers.get('x-sluice-job-id')!;
    expect(response.status).toBe(504);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-should-retry': 'false',
      'retry-after': '1',
      'retry-after-ms': '1000',
      'x-litellm-call-id': jobId,
    });
    expect(await response.json()).toEqual({
      error: {
        message: 'The call was not answered within 0.2 s (Prefer: wait). It goes on.',
        type: 'timeout_error',
        param: null,
        code: 'wait_timeout',
        job_id: jobId,
      },
    });

    const redis = openRedis(process.env['REDIS_URL']!, { role: 'api', onError: () => undefined });
    const record = `{sluice:${sluice.group}}:job:${jobId}`;
    const isDone = async (): Promise<boolean> =>
      redis.status === 'ready' && (await redis.hget(record, 'state')) === 'completed';
    await eventually(isDone, { withinMs: 3_000, what: 'the job to complete' });
    redis.disconnect();
    expect(sluice.simulator.stats()).toMatchObject({ total: 1, clientClosed: 0 });
  });

  it('of a stream is nobody: it runs to its end', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 300 } }] });
    const response = await sluice.call({ stream: true }, { prefer: 'wait=0.1' });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('data: [DONE]');
  });
});

describe('a stream whose first token is slow', () => {
  const streamOf = (body: Record<string, unknown> = {}): Promise<string> => {
    const json = JSON.stringify({
      model: sluice.group,
      messages: [{ role: 'user', content: 'Hi.' }],
      stream: true,
      ...body,
    });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${MASTER_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n`;
    const isOver = (text: string): boolean => text.endsWith('\r\n0\r\n\r\n') || text.includes('HTTP/1.1 5');
    return sendRaw(sluice.url, head + json, { until: isOver }).then(({ text }) => text);
  };
  /** The body, without the chunks of the transfer. */
  const bodyOf = (text: string): string =>
    text
      .slice(text.indexOf('\r\n\r\n') + 4)
      .replaceAll(/^[0-9a-f]+\r\n/gm, '')
      .replaceAll('\r\n', '');

  it('has its head early, and comments of one line break each until it begins', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 350 } }] });
    const text = await streamOf();
    const [head = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200/);
    expect(head).toMatch(/^x-sluice-job-id: job_/m);
    expect(head).not.toMatch(/^x-litellm-model-id/m); // not known yet
    expect(bodyOf(text)).toMatch(/^(:hb\n){2,}data: \{/);
    expect(bodyOf(text)).toMatch(/data: \[DONE\]\n\n$/);
  });

  it('has none while it can still fail as plain HTTP', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'server', delayHeadersMs: 30 } }] });
    const text = await streamOf();
    expect(text).toMatch(/^HTTP\/1\.1 502/);
    expect(text).toContain('"code":"provider_error"');
  });

  it('that fails after its head ends with the error as an event, and no [DONE]', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'server', delayHeadersMs: 200 } }] });
    const text = await streamOf();
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(bodyOf(text)).toMatch(
      /^(:hb\n)+data: \{"error":\{"message":"[^"]+","type":"api_error","param":null,"code":"provider_error","job_id":"job_[0-9a-f]{32}"\}\}\n\n$/,
    );
  });

  it('is kept alive in its middle too', async () => {
    sluice.simulator.setProfile('only', {
      answer: { text: 'one two three' },
      rules: [{ do: { stallAfter: 1, stallMs: 200 } }],
    });
    const body = bodyOf(await streamOf());
    expect(body).toMatch(/data: \{.*\}\n\n(:hb\n)+data: \{.*\}\n\n/);
    expect(body).not.toContain(':hb\n\n');
    expect(body).toMatch(/data: \[DONE\]\n\n$/);
  });
});
