import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { OwnRedis } from '../support/own-redis.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

const redis = new OwnRedis();
let sluice: SluiceUnderTest;

beforeAll(async () => {
  await redis.start();
  sluice = await startSluice([{ profile: 'only' }], { env: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await sluice?.stop();
  await redis.stop();
});

it('a job that was accepted is told of though Redis went away in the wait, and is done when it is back (I2)', async () => {
  const jobs = nativeJobs(sluice);
  sluice.simulator.setProfile('only', { latency: { p50: 700 } });
  const submitted = jobs.submit({ metadata: { n: '1' } }, {}, { prefer: 'wait=1.5' });
  const isAsked = (): boolean => sluice.simulator.requests({ profile: 'only' }).length > 0;
  await eventually(isAsked, { withinMs: 5_000, what: 'the provider to be asked' });
  await redis.stop();
  const { status, body } = await submitted;
  expect([status, body['status'], body['metadata']]).toEqual([202, 'queued', { n: '1' }]);
  await redis.start();
  const isDone = async (): Promise<boolean> => (await jobs.look(body['id'])).body['status'] === 'completed';
  await eventually(isDone, { withinMs: 15_000, what: 'the job to be done' });
  expect(await jobs.result(body['id'])).toMatchObject({ status: 200, body: { object: 'chat.completion' } });
});
