import { randomBytes, randomUUID } from 'node:crypto';
import { BACKLOG_DEFAULTS, newJobId } from '@sluice/core';
import {
  InferenceQueues,
  InferenceWorkers,
  JobRecords,
  WorkerBeat,
  type BegunJob,
  type JobTurn,
  type NewJob,
  type RunEnd,
  type RunHooks,
} from '@sluice/queue';
import { openRedis, untilReady } from '@sluice/state';
import { Inbox, type Follower } from '@sluice/stream';
import type { Frame } from '@sluice/wire';
import { toArray, lastValueFrom } from 'rxjs';
import { lookAtJob } from '../../apps/api/src/look-at-job.js';
import { expireJob } from '../../apps/worker/src/expire-job.js';

type Redis = ReturnType<typeof openRedis>;

export interface StagedRun {
  turn: JobTurn;
  begun: BegunJob;
  stop: AbortSignal;
  hooks: RunHooks;
  stage: JobStage;
}

/** What a run does after its begin. Undefined: it completes its job. */
export type Act = (run: StagedRun) => Promise<RunEnd | undefined>;

/** Queues, records and workers of one group with nothing above them: what a run does is the test's. */
export class JobStage {
  readonly group = `stage-${randomUUID()}`;
  readonly prefix = `{sluice:${this.group}}`;
  readonly records: JobRecords;
  readonly queues: InferenceQueues;
  /** Jobs in the order in which their runs were told `begun`. */
  readonly begun: string[] = [];
  private readonly errors: Error[] = [];
  private readonly workers: { beat: WorkerBeat; inference: InferenceWorkers; subscriber: Redis }[] = [];
  private readonly workerRedis: Redis;
  private readonly ears: Redis;
  readonly inbox: Inbox;

  private constructor(readonly redis: Redis) {
    const onError = (error: Error): void => void this.errors.push(error);
    this.workerRedis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError });
    this.ears = openRedis(process.env['REDIS_URL']!, { role: 'subscriber', onError });
    this.records = new JobRecords(redis);
    this.queues = new InferenceQueues(redis, this.records);
    this.inbox = new Inbox(this.ears);
  }

  static async open(): Promise<JobStage> {
    const redis = openRedis(process.env['REDIS_URL']!, { role: 'api', onError: () => undefined });
    const stage = new JobStage(await untilReady(redis));
    await stage.inbox.start();
    return stage;
  }

  newJob(with_: Partial<NewJob> = {}): NewJob {
    return {
      jobId: newJobId(Date.now(), randomBytes(10), 1),
      request: Buffer.from('{}'),
      job: '{}',
      replyTo: this.inbox.channel,
      deadlineMs: Date.now() + 60_000,
      dueInMs: 60_000,
      startInMs: 60_000,
      isLone: false,
      line: '1:default',
      bounds: BACKLOG_DEFAULTS.bounds,
      ...with_,
    };
  }

  follow({ jobId }: NewJob): Follower {
    return this.inbox.follow(jobId, lookAtJob(this.redis, this.records, this.group));
  }

  /** Beats without working: jobs are taken in and wait. */
  async addBeat(concurrency: number, workerId = `w-${randomUUID()}`): Promise<WorkerBeat> {
    const options = {
      workerId,
      groups: [this.group],
      concurrency,
      runsSuspects: false,
      running: () => 0,
      wasCalled: () => false,
      alsoOnBeat: () => Promise.resolve(),
    };
    const beat = new WorkerBeat(this.workerRedis, { ...options, onError: (error) => this.errors.push(error) });
    await beat.start();
    return beat;
  }

  async addWorker(concurrency: number, act: Act = () => Promise.resolve(undefined)): Promise<void> {
    const workerId = `w-${randomUUID()}`;
    const records = new JobRecords(this.workerRedis);
    const beat = await this.addBeat(concurrency, workerId);
    const onError = (error: Error): void => void this.errors.push(error);
    const subscriber = openRedis(process.env['REDIS_URL']!, { role: 'subscriber', onError });
    const inference = new InferenceWorkers(this.workerRedis, subscriber, {
      workerId,
      concurrency,
      onError,
      drainMs: 1_000,
      onDrain: () => undefined,
      suspectsRun: 'nowhere',
      onSuspects: () => undefined,
      expire: (group, job) => expireJob(records, group, job),
      run: async (group, turn, stop, hooks) => {
        const begun = await records.begin(group, turn, workerId);
        if (begun === undefined || begun === 'suspect') return { kind: 'over', othersWait: false };
        this.begun.push(turn.jobId);
        const end = await act({ turn, begun, stop, hooks, stage: this });
        return end ?? this.complete(turn, begun);
      },
    });
    this.workers.push({ beat, inference, subscriber });
    await inference.start([this.group]);
  }

  async complete({ jobId }: JobTurn, { epoch }: BegunJob): Promise<RunEnd> {
    const end = { jobId, epoch, state: 'completed' as const, outcome: '{"state":"completed"}', result: 'done' };
    const finished = await this.records.finish(this.group, end);
    return { kind: 'over', othersWait: finished?.othersWait ?? false };
  }

  async stateOf({ jobId }: NewJob): Promise<string | undefined> {
    return (await this.records.look(this.group, jobId))?.state;
  }

  /** @throws what went wrong behind the scenes */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map(({ inference }) => inference.stop()));
    for (const { beat, subscriber } of this.workers) {
      await beat.stop();
      subscriber.disconnect();
    }
    await this.queues.stop();
    this.inbox.stop();
    for (const redis of [this.redis, this.workerRedis, this.ears]) redis.disconnect();
    if (this.errors.length > 0) throw new AggregateError(this.errors, this.errors[0]!.message);
  }
}

export const framesOf = (follower: Follower): Promise<Frame[]> => lastValueFrom(follower.frames.pipe(toArray()));

/** Waits for a condition. @throws when it does not come true in time, saying what was missing */
export async function eventually(
  isSo: () => boolean | Promise<boolean>,
  { withinMs, what }: { withinMs: number; what: string },
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`Waited ${withinMs} ms for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
