import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readPayload, type Frame, type Outcome } from '@sluice/wire';
import { Queue } from 'bullmq';
import { eventually, framesOf, JobStage, type Act } from '../support/job-stage.js';

const SWEPT = { withinMs: 12_000, what: 'the sweep' };

describe('a job that was accepted', () => {
  let stage: JobStage;
  beforeEach(async () => {
    stage = await JobStage.open();
  });
  afterEach(() => stage.stop());

  const fedKey = (): string => `${stage.prefix}:fed`;
  /** Runs until it is told to stop; then its worker hands it back. */
  const lasts: Act = ({ stop, turn, begun }) =>
    new Promise((resolve) => {
      const handBack = async (): Promise<void> => {
        const run = { jobId: turn.jobId, epoch: begun.epoch, progress: '', dueAtMs: Date.now() + 60_000 };
        const verdict = await stage.records.requeue(stage.group, run);
        resolve({ kind: verdict === 'requeued' ? 'handed_back' : 'over', othersWait: false });
      };
      stop.addEventListener('abort', () => void handBack());
    });

  it('runs although its add was lost', async () => {
    await stage.addWorker(2);
    const job = stage.newJob();
    const follower = stage.follow(job);
    expect(await stage.records.accept(stage.group, job, true)).toMatchObject({ kind: 'accepted' }); // and no `add`
    await stage.redis.zadd(fedKey(), String(Date.now() - 5_001), job.jobId);
    expect((await framesOf(follower)).map(stateOf)).toEqual(['completed']);
    expect(stage.begun).toEqual([job.jobId]);
  });

  it('runs although its run threw before it began, and BullMQ keeps that one as failed', async () => {
    const job = stage.newJob();
    await stage.addBeat(1);
    await stage.queues.accept(stage.group, job);
    const queue = bullQueue();
    const [found] = await queue.getJobs(['waiting']);
    await stage.redis.lrem(`${stage.prefix}:inference:wait`, '1', found!.id!);
    await stage.redis.hset(`${stage.prefix}:inference:${found!.id}`, 'finishedOn', '1');
    await stage.redis.zadd(fedKey(), String(Date.now() - 5_001), job.jobId);
    await stage.addWorker(1);
    await eventually(async () => (await stage.stateOf(job)) === 'completed', SWEPT);
    await queue.close();
  });

  it('expires when nobody starts it in its time, and who follows it hears of it', async () => {
    await stage.addWorker(1, lasts);
    const first = stage.newJob();
    await stage.queues.accept(stage.group, first);
    await eventually(() => stage.begun.length === 1, { withinMs: 2_000, what: 'the first to begin' });
    const second = stage.newJob({ dueInMs: 200 });
    const follower = stage.follow(second);
    await stage.queues.accept(stage.group, second);
    const [frame] = await framesOf(follower);
    expect([stateOf(frame!), codeOf(frame!)]).toEqual(['expired', 'queue_ttl_exceeded']);
    expect(stage.begun).toEqual([first.jobId]);
  });

  it('is ended by the net when its worker lost it and its deadline is long over', async () => {
    await stage.addWorker(1, lasts);
    const job = stage.newJob({ deadlineMs: Date.now() - 29_500 }); // the net waits for 30 s more
    const follower = stage.follow(job);
    await stage.queues.accept(stage.group, job);
    await eventually(() => stage.begun.length === 1, { withinMs: 2_000, what: 'its run to begin' });
    const [frame] = await framesOf(follower);
    expect([stateOf(frame!), codeOf(frame!)]).toEqual(['expired', 'deadline_exceeded']);
    expect(await stage.records.note(stage.group, job.jobId, 1, '')).toBe('stale');
  });

  it('is cancelled when its caller got an error, as soon as Redis is back', async () => {
    await stage.addBeat(1);
    const job = stage.newJob();
    await stage.queues.accept(stage.group, job);
    stage.redis.disconnect();
    await eventually(() => stage.redis.status === 'end', { withinMs: 2_000, what: 'the connection to end' });
    stage.queues.abandon(stage.group, job.jobId);
    await expect(stage.queues.accept(stage.group, stage.newJob())).rejects.toMatchObject({ name: 'StorageAwayError' });
    await stage.redis.connect();
    await eventually(async () => (await stage.stateOf(job)) === 'cancelled', { withinMs: 3_000, what: 'the cancel' });
  });

  it('is one job, however often its accept is repeated', async () => {
    await stage.addBeat(1);
    const job = stage.newJob();
    const replies = await Promise.all([1, 2, 3].map(() => stage.queues.accept(stage.group, job)));
    expect(replies.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    await stage.records.accept(stage.group, job, false);
    await stage.addWorker(3);
    await eventually(async () => (await stage.stateOf(job)) === 'completed', { withinMs: 3_000, what: 'its end' });
    expect(await stage.queues.accept(stage.group, job)).toMatchObject({ kind: 'accepted' });
    const last = stage.newJob();
    await stage.queues.accept(stage.group, last);
    await eventually(async () => (await stage.stateOf(last)) === 'completed', { withinMs: 3_000, what: 'the last' });
    expect(stage.begun).toEqual([job.jobId, last.jobId]);
  });

  it('is accepted again although its workers are gone since', async () => {
    const beat = await stage.addBeat(1);
    const job = stage.newJob();
    await stage.queues.accept(stage.group, job);
    await beat.stop();
    expect(await stage.queues.accept(stage.group, job)).toMatchObject({ kind: 'accepted' });
    expect(await stage.queues.accept(stage.group, stage.newJob())).toEqual({ kind: 'no_worker' });
  });

  it('is given to the run that holds its last BullMQ job: a stray finds nothing to do', async () => {
    const untilMs = 0;
    let runs = 0;
    await stage.addWorker(2, async ({ turn: { jobId }, begun: { epoch } }) => {
      if (++runs > 1) return undefined;
      const written = { jobId, epoch, progress: '', dueAtMs: Date.now() + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs });
      return { kind: 'requeued', othersWait: true };
    });
    const job = stage.newJob();
    await stage.queues.accept(stage.group, job);
    await eventually(async () => (await stage.stateOf(job)) === 'completed', { withinMs: 3_000, what: 'its end' });
    const record = await stage.redis.hmget(`${stage.prefix}:job:${job.jobId}`, 'epoch', 'fed', 'crashes');
    expect(record).toEqual(['2', '2', null]);
    const stray = { jobId: job.jobId, fed: 1, token: 'old' };
    expect(await stage.records.begin(stage.group, stray, 'w')).toBeUndefined();
  });

  it('leaves nothing behind in BullMQ when there is no record of it', async () => {
    const queue = bullQueue();
    await queue.add('chat', { jobId: 'job_unknown', replyTo: 'x' }, { jobId: 'job_unknown-1', removeOnComplete: true });
    await stage.addWorker(1);
    const counts = (): Promise<Record<string, number>> => queue.getJobCounts('waiting', 'active', 'failed');
    await eventually(async () => Object.values(await counts()).every((n) => n === 0), {
      withinMs: 3_000,
      what: 'it to be dropped',
    });
    expect(stage.begun).toEqual([]);
    await queue.close();
  });

  it('leaves nothing behind when it is refused: a group without workers', async () => {
    expect(await stage.queues.accept(stage.group, stage.newJob())).toEqual({ kind: 'no_worker' });
    const ofJobs = (): Promise<string[]> => stage.redis.keys(`${stage.prefix}:*job_*`);
    await eventually(async () => (await ofJobs()).length === 0, { withinMs: 1_000, what: 'its BullMQ job to go' });
    expect(await stage.redis.llen(`${stage.prefix}:inference:wait`)).toBe(0);
  });

  const bullQueue = (): Queue => new Queue('inference', { prefix: stage.prefix, connection: stage.redis });
});

const outcomeOf = ({ payload }: Frame): Outcome => readPayload<Outcome>(payload).line;
const stateOf = (frame: Frame): string => outcomeOf(frame).state;
const codeOf = (frame: Frame): string | undefined => outcomeOf(frame).error?.code;
