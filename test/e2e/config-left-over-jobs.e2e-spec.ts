import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LeftOverJobs, numbersOfGroups } from '@sluice/queue';
import { LEFT_OVER } from '../../apps/worker/src/left-over.js';
import { framesOf, JobStage } from '../support/job-stage.js';

describe('jobs of a group that is in no configuration any more', () => {
  let stage: JobStage;
  let ended: [group: string, jobs: number][];

  beforeEach(async () => {
    stage = await JobStage.open();
    await numbersOfGroups(stage.redis, [stage.group]); // as the api does for what it serves
    ended = [];
  });
  afterEach(() => stage.stop());

  /** @param aloneMs how long the group must have been without a worker */
  const leftOver = (aloneMs: number, known: readonly string[] = []): LeftOverJobs =>
    new LeftOverJobs(
      stage.redis,
      stage.records,
      {
        isKnown: (group) => group !== stage.group || known.includes(group), // other tests share the Redis
        outcome: LEFT_OVER,
        onEnded: (...told) => ended.push(told),
        onError: (error) => expect(error).toBeUndefined(),
      },
      aloneMs,
    );

  it('end with model_not_found, in the backlog and out of it, and leave nothing behind', async () => {
    const beat = await stage.addBeat(1);
    const jobs = [1, 2, 3, 4, 5].map(() => stage.newJob());
    const followed = jobs.map((job) => framesOf(stage.follow(job)));
    for (const job of jobs) expect((await stage.queues.accept(stage.group, job)).kind).toBe('accepted');
    await beat.stop();
    await leftOver(0).look();
    for (const frames of await Promise.all(followed)) {
      expect(frames.at(-1)).toMatchObject({ kind: 'terminal' });
      expect(frames.at(-1)!.payload.toString()).toContain('"code":"model_not_found"');
    }
    expect(ended).toEqual([[stage.group, 5]]);
    const keys = await stage.redis.keys(`${stage.prefix}:*`);
    const kept = keys
      .map((key) => key.slice(stage.prefix.length + 1))
      .filter((key) => !/^(?:job|inference)[:]/.test(key));
    expect(kept.filter((key) => /backlog|line|due|fed/.test(key))).toEqual([]);
  });

  it('wait while a worker serves the group, while it is known, and for as long as workers take to restart', async () => {
    const beat = await stage.addBeat(1);
    const job = stage.newJob();
    await stage.queues.accept(stage.group, job);
    await leftOver(0).look(); // the worker beats
    await beat.stop();
    await leftOver(0, [stage.group]).look();
    const patient = leftOver(60_000);
    await patient.look();
    await patient.look();
    expect(await stage.stateOf(job)).toBe('queued');
    expect(ended).toEqual([]);
  });
});
