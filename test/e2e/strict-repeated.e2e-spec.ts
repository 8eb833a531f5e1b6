import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobRecords, type Disk } from '@sluice/queue';
import { KeyClaims, PromisedAnswers } from '@sluice/state';
import { claimJob } from '../../libs/pipeline/src/claim-job.js';
import { JobStage } from '../support/job-stage.js';

let stage: JobStage;
beforeAll(async () => {
  stage = await JobStage.open();
});
afterAll(() => stage.stop());

it('confirms a job to a second submit with its key when it is on disk, as to the first (F8, F30)', async () => {
  const asked = Promise.withResolvers<void>();
  const synced = Promise.withResolvers<void>();
  const disk: Disk = {
    holds: (_group, _look, holds) => {
      asked.resolve();
      expect(holds('queued')).toBe(true);
      return synced.promise;
    },
  };
  const { group, redis } = stage;
  const { jobId } = stage.newJob();
  const beat = await stage.addBeat(1);
  expect(await stage.queues.accept(group, stage.newJob({ jobId }))).toMatchObject({ kind: 'accepted' });
  const claims = new KeyClaims(redis);
  const same = { kind: 'key', scope: randomUUID(), fingerprint: 'of the body' } as const;
  await claims.claim(same.scope, { fingerprint: same.fingerprint, id: jobId, group, keptMs: 60_000 });

  const records = new JobRecords(redis, 'nowhere', disk);
  const deps = { claims, promises: new PromisedAnswers(redis), records };
  const times = { acceptedAtMs: Date.now(), deadlineMs: Date.now() + 60_000 };
  let isTold = false;
  const claimed = claimJob(same, { ...times, ...stage.newJob(), group }, deps, true).finally(() => (isTold = true));
  await Promise.race([asked.promise, claimed]);
  await redis.ping();
  expect(isTold).toBe(false);
  synced.resolve();
  expect(await claimed).toEqual({ kind: 'share', jobId, group });
  await beat.stop();
});
