import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRedis, untilReady } from '@sluice/state';
import { OwnRedis } from '../support/own-redis.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { eventually } from '../eventually.js';

type Redis = ReturnType<typeof openRedis>;

describe('a Redis that is nearly full (F11)', () => {
  const own = new OwnRedis();
  let sluice: SluiceUnderTest;
  let redis: Redis;

  beforeAll(async () => {
    await own.start();
    redis = await untilReady(openRedis(own.url, { role: 'worker', onError: () => undefined }));
    // So that a percent is more than what calls come to; not written out, or buffers of that size would come and go.
    await redis.setrange('ballast', 40_000_000, 'x');
    sluice = await startSluice([{ profile: 'only' }], { env: { REDIS_URL: own.url } });
  });
  afterAll(async () => {
    await sluice?.stop();
    redis?.disconnect();
    await own.stop('SIGKILL');
  });

  /** Sets maxmemory so that so much of it is used. */
  async function fill(percent: number): Promise<void> {
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1]);
    await redis.config('SET', 'maxmemory', percent === 0 ? '0' : String(Math.round((100 * used) / percent)));
  }

  const codeOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { error?: { code: string } }).error?.code;
  const isRefused = async (): Promise<boolean> => (await codeOf(await sluice.call({}))) === 'storage_full';

  it('refuses new calls from 90 % on, takes them again below 85 %, and ends the running ones well', async () => {
    sluice.simulator.setProfile('only', { rules: [{ times: 4, do: { delayHeadersMs: 3_000 } }] });
    const running = [0, 1, 2, 3].map((i) => sluice.call({ stream: i % 2 === 0 }));
    await eventually(() => sluice.simulator.stats().inFlight === 4, { withinMs: 5_000, what: 'four calls' });
    await fill(92);
    await eventually(isRefused, { withinMs: 3_000, what: 'new calls to be refused' });
    const refused = await sluice.call({});
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect((await sluice.call({}, { 'x-sluice-when-full': 'reject' })).status).toBe(503);

    const ended = await Promise.all(running.map(async (call) => (await call).text()));
    expect(ended.filter((text) => text.includes('[DONE]'))).toHaveLength(2);
    expect(ended.filter((text) => text.includes('"chat.completion"'))).toHaveLength(2);

    await fill(88);
    const endMs = performance.now() + 400; // who is refused looks again after 100
    while (performance.now() < endMs) expect(await isRefused()).toBe(true);
    await fill(80);
    await eventually(async () => !(await isRefused()), { withinMs: 3_000, what: 'calls to be taken' });
    expect((await sluice.call({})).status).toBe(200);
  });

  it('takes calls at once when the limit is lifted', async () => {
    await fill(95);
    await eventually(isRefused, { withinMs: 3_000, what: 'new calls to be refused' });
    await fill(0);
    await eventually(async () => !(await isRefused()), { withinMs: 400, what: 'calls to be taken' });
  });
});
