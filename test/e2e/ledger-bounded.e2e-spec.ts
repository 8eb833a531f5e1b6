import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobRecords } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { keysOf } from '../../libs/queue/src/group-keys.js';
import { OwnRedis } from '../support/own-redis.js';

let own: OwnRedis;
let redis: Redis;

beforeAll(async () => {
  own = await new OwnRedis().start();
  redis = openRedis(own.url, { role: 'worker', onError: () => undefined });
});
afterAll(async () => {
  redis.disconnect();
  await own.stop();
});

it('a ledger that nobody reads does not grow for ever', async () => {
  const { ledger } = keysOf('group');
  const fill = `for i = 1, 1105000 do redis.call('XADD', KEYS[1], '*', 't', 'x') end return redis.call('XLEN', KEYS[1])`;
  expect(await redis.eval(fill, 1, ledger)).toBe(1_105_000);
  await new JobRecords(redis).accept('group', JOB, false);
  expect(await redis.xlen(ledger)).toBeLessThanOrEqual(1_100_100);
  const [[, fields]] = (await redis.xrevrange(ledger, '+', '-', 'COUNT', 1)) as [[string, string[]]];
  expect(fields.slice(0, 4)).toEqual(['t', 'accepted', 'j', JOB.jobId]);
});

const JOB = {
  jobId: 'job_1',
  request: Buffer.from('{}'),
  job: '{}',
  replyTo: '',
  deadlineMs: 9e12,
  dueInMs: 60_000,
  startInMs: 60_000,
  isLone: false,
  line: '1:tenant',
  bounds: { jobs: 10, bytes: 1_000, tenantJobs: 10, tenantBytes: 1_000 },
  durable: { about: '{}' },
  kept: { resultMs: 1, requestMs: 1, deadLetterMs: 1 },
};
