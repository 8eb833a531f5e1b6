import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { OwnRedis } from '../support/own-redis.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

const key = { authorization: `Bearer ${MASTER_KEY}` };

interface Seen {
  status: number;
  type: string | null;
  text: string;
  json: unknown;
}

async function get(sluice: SluiceUnderTest, path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await fetch(sluice.url + path, { headers });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), text, json: JSON.parse(text) };
}

const EMPTY = { healthy_endpoints: [], unhealthy_endpoints: [], healthy_count: 0, unhealthy_count: 0 };

describe('the health of a Sluice that is well', () => {
  let sluice: SluiceUnderTest;
  beforeAll(async () => {
    sluice = await startSluice([{ profile: 'good' }, { profile: 'bad', params: 'order: 2' }], {
      yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 0}',
    });
  });
  afterAll(() => sluice?.stop());

  it.each(['/health/liveliness', '/health/liveness', '/liveness', '/liveliness'])(
    'is LiteLLM’s sentence, byte for byte, at %s',
    async (path) => {
      const type = 'application/json; charset=utf-8';
      expect(await get(sluice, path)).toMatchObject({ status: 200, type, text: '"I\'m alive!"' });
    },
  );

  it.each<[string, object]>([
    ['/health/readiness', { status: 'healthy', db: 'Not connected', cache: 'redis' }],
    ['/healthz', { status: 'ok' }],
    ['/readyz', { status: 'ready' }],
    ['/health', EMPTY],
  ])('is told at %s without a key', async (path, json) => {
    const seen = await get(sluice, path);
    expect(seen).toMatchObject({ status: 200, json });
    expect(seen.type).toMatch(/^application\/json/);
  });

  it('is told with a key for each deployment, without a call to a provider', async () => {
    const deployment = (profile: string): object => ({
      model: 'openai/gpt-4o',
      model_name: sluice.group,
      model_id: `${sluice.group}-${profile}`,
      api_base: sluice.simulator.origin,
    });
    expect((await get(sluice, '/health', key)).json).toEqual({
      healthy_endpoints: [deployment('good'), deployment('bad')],
      unhealthy_endpoints: [],
      healthy_count: 2,
      unhealthy_count: 0,
    });
    expect(sluice.simulator.stats().total).toBe(0);

    sluice.simulator.setProfile('bad', { rules: [{ do: { kind: 'auth' } }] });
    sluice.simulator.setProfile('good', { rules: [{ do: { kind: 'server' } }] });
    await sluice.call({ num_retries: 1 });
    const calls = sluice.simulator.stats().total;
    const { json, text } = await get(sluice, '/health', key);
    expect(json).toMatchObject({ unhealthy_endpoints: expect.arrayContaining([deployment('bad')]) });
    expect(text).not.toContain('sk-provider');
    expect(sluice.simulator.stats().total).toBe(calls);
  });

  it('is not told to a wrong key', async () => {
    expect(await get(sluice, '/health', { 'x-api-key': 'sk-wrong' })).toMatchObject({
      status: 401,
      json: { error: { code: 'invalid_api_key' } },
    });
  });
});

describe('the health of a Sluice without a master key', () => {
  let sluice: SluiceUnderTest;
  beforeAll(async () => {
    sluice = await startSluice([{ profile: 'only' }], { isOpen: true, workers: 0 });
  });
  afterAll(() => sluice?.stop());

  it('is told in full to this machine, which needs no key for anything', async () => {
    expect((await get(sluice, '/health')).json).toMatchObject({ healthy_count: 1 });
    expect((await get(sluice, '/v1/models')).status).toBe(200);
    expect((await get(sluice, '/v1/models', { 'api-key': 'whatever' })).status).toBe(200);
  });

  it('has nobody to run a call, and says so at once', async () => {
    const response = await sluice.call({});
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(response.headers.get('x-should-retry')).toBe('true');
    expect(await response.json()).toMatchObject({ error: { code: 'no_worker', type: 'service_unavailable' } });
  });
});

describe('the health of a Sluice that is being stopped', () => {
  it('is unready at once, new calls are refused, and the open one is answered', async () => {
    const sluice = await startSluice([{ profile: 'only' }]);
    sluice.simulator.setProfile('only', { rules: [{ do: { delayHeadersMs: 600 } }] });
    const open = sluice.call({});
    await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 3_000, what: 'the open call' });
    const closing = sluice.api.close();
    await eventually(async () => (await get(sluice, '/readyz')).status === 503, { withinMs: 500, what: 'unready' });
    expect((await get(sluice, '/readyz')).json).toEqual({ status: 'draining' });
    expect((await get(sluice, '/health/readiness')).status).toBe(503);
    expect((await get(sluice, '/health/liveliness')).status).toBe(200);
    const refused = await sluice.call({});
    expect(refused.status).toBe(503);
    expect(Object.fromEntries(refused.headers)).toMatchObject({ connection: 'close', 'x-should-retry': 'true' });
    expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
    expect((await open).status).toBe(200);
    await closing;
    await sluice.stop();
  });
});

describe('the health of a Sluice whose Redis is gone', () => {
  const tests = process.env['REDIS_URL'];
  afterEach(() => {
    process.env['REDIS_URL'] = tests;
  });

  it('is alive but unready within two seconds, and ready again after its return', async () => {
    const redis = await new OwnRedis().start();
    process.env['REDIS_URL'] = redis.url;
    const sluice = await startSluice([{ profile: 'only' }]);
    expect((await get(sluice, '/readyz')).status).toBe(200);
    await redis.stop('SIGKILL');
    await eventually(async () => (await get(sluice, '/readyz')).status === 503, { withinMs: 2_000, what: 'unready' });
    expect((await get(sluice, '/readyz')).json).toEqual({ status: 'no_redis' });
    expect(await get(sluice, '/health/readiness')).toMatchObject({
      status: 503,
      json: { status: 'unhealthy', cache: null },
    });
    expect((await get(sluice, '/health/liveliness')).status).toBe(200);
    expect((await get(sluice, '/healthz')).status).toBe(200);
    expect((await get(sluice, '/v1/models', key)).status).toBe(200);
    expect(await (await sluice.call({})).json()).toMatchObject({ error: { code: 'storage_unavailable' } });
    expect(await get(sluice, '/health', key)).toMatchObject({ status: 503 });

    await redis.start();
    await eventually(async () => (await get(sluice, '/readyz')).status === 200, { withinMs: 5_000, what: 'ready' });
    await eventually(async () => (await sluice.call({})).status === 200, { withinMs: 5_000, what: 'an answer' });
    await sluice.stop();
    await redis.stop();
  });
});
