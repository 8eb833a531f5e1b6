import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { OwnRedis } from '../support/own-redis.js';
import { SlowLink } from '../support/slow-link.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { OpenCalls } from '../../apps/api/src/http/open-calls.js';

describe('an api that shuts down', () => {
  let redis: OwnRedis;
  let link: SlowLink;
  let sluice: SluiceUnderTest;
  beforeEach(async () => {
    redis = await new OwnRedis().start();
    link = await new SlowLink(redis.url).start();
    sluice = await startSluice([{ profile: 'only' }], { env: { REDIS_URL: link.url } });
  });
  afterEach(async () => {
    link.release();
    await sluice.stop();
    link.stop();
    await redis.stop();
  });

  it.each([false, true])('answers a call that is being accepted (stream: %s)', async (stream) => {
    await (await sluice.call({ stream })).text(); // the scripts are loaded
    link.hold();
    const calls = sluice.api.get(OpenCalls, { strict: false });
    const answer = sluice
      .call({ stream })
      .then(async (response) => ({ status: response.status, text: await response.text() }));
    await eventually(() => calls.size === 1, { withinMs: 500, what: 'the call to be counted' });
    const closed = sluice.api.close();
    await eventually(() => calls.isDraining, { withinMs: 300, what: 'the drain' });
    link.release();
    expect(await answer).toMatchObject({ status: 200 });
    await closed;
  });

  it('does not wait for connections that never carried a request', async () => {
    const socket = connect(Number(new URL(sluice.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    expect((await sluice.call({})).status).toBe(200); // the server has seen the connection by now
    const start = performance.now();
    await sluice.api.close();
    expect(performance.now() - start).toBeLessThan(1_000);
    socket.destroy();
  });
});
