import { expect, it } from '@jest/globals';
import { BACKLOG_DEFAULTS } from '@sluice/core';
import { InferenceQueues, JobRecords } from '@sluice/queue';
import { openRedis, untilReady } from '@sluice/state';
import { eventually } from '../eventually.js';
import { withSluice } from '../support/with-sluice.js';

it('a job that cannot be read gives back the lease that was asked for with it', async () => {
  await withSluice([{ profile: 'only', params: 'max_parallel_requests: 1' }], {}, async ({ group, call }) => {
    const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
    await untilReady(redis);
    const records = new JobRecords(redis);
    const queues = new InferenceQueues(redis, records);
    const jobId = 'job_6f0a8f0e5c0b4b0fa0a1d2c3e4f50617';
    const { bounds } = BACKLOG_DEFAULTS;
    try {
      const accepted = await queues.accept(group, {
        jobId,
        request: Buffer.from('half a body {'),
        job: '{}',
        replyTo: 'sluice:inbox:none',
        deadlineMs: Date.now() + 60_000,
        dueInMs: 60_000,
        startInMs: 60_000,
        isLone: true,
        line: '1:default',
        tokens: 10,
        bounds,
      });
      expect(accepted.kind).toBe('accepted');
      const state = async () => (await records.look(group, jobId))?.state;
      await eventually(async () => (await state()) === 'running', { withinMs: 5_000, what: 'its run' });
      const next = await call({}, { 'x-sluice-wait': '5' });
      expect(next.status).toBe(200);
    } finally {
      await queues.stop();
      redis.disconnect();
    }
  });
}, 20_000);
