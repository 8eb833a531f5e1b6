import { UnrecoverableError, WaitingError, Worker, type Job, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { BacklogFeeder, type OverdueJob } from './backlog-feeder.js';
import { INFERENCE, keysOf, queuePrefix, SUSPECTS } from './group-keys.js';
import { openGroupQueue } from './group-queue.js';
import { turnOf, type JobEnvelope, type JobTurn } from './job-envelope.js';
import type { SuspectsRun } from './job-records.js';
import { SuspectsQueue } from './suspects-queue.js';

/** Why a run is told to stop. `stale`: its lock is lost, another worker may run it. */
export type StopReason = 'cancelled' | 'drain' | 'stale';

/**
 * What became of a run. `over`: a terminal record is written, or there was nothing to do. `requeued`: the job stands in the
 * backlog, its BullMQ job ends. `handed_back`: the record says queued, its BullMQ job goes back to wait. `suspect`: it ended
 * too many workers to be run among others.
 */
export type RunEnd =
  /** `written`: the outcome is on its way to Redis, ahead of whatever is sent next on the same connection. */
  | {
      kind: 'over' | 'requeued' | 'handed_back' | 'suspect';
      othersWait: boolean;
      written?: Promise<{ othersWait: boolean }>;
    }
  | { kind: 'failed'; code: string; othersWait: boolean };

export type RunJob = (group: string, turn: JobTurn, stop: AbortSignal, hooks: RunHooks) => Promise<RunEnd>;

export interface RunHooks {
  /** Call when a lease is taken while others wait: the next ones may find room too. */
  feedMore: () => void;
}

export interface InferenceWorkerOptions {
  group: string;
  workerId: string;
  /** Jobs that run at a time in this process. */
  concurrency: number;
  run: RunJob;
  suspectsRun: SuspectsRun;
  /** There are suspects, of any group: this one was isolated with so many crashes, or some wait or run. */
  onSuspects: (isolated?: { group: string; jobId: string; crashes: number }) => void;
  /** Ends a job that is past its time. */
  expire: (group: string, job: OverdueJob) => Promise<void>;
  /** Lost connections and the like; BullMQ carries on by itself. */
  onError: (error: Error) => void;
}

const FEED_EVERY_MS = 1_000;
const SWEEP_EVERY_MS = 5_000;

/** Takes jobs of one model group and runs them; feeds and sweeps the group's backlog. */
export class InferenceWorker {
  private worker: Worker<JobEnvelope> | undefined;
  private queue: Queue<JobEnvelope> | undefined;
  private feeder: BacklogFeeder | undefined;
  private suspects: SuspectsQueue | undefined;
  private timers: NodeJS.Timeout[] = [];
  private readonly running = new Map<string, AbortController>();
  private readonly writing = new Set<Promise<unknown>>();

  constructor(
    private readonly redis: Redis,
    private readonly options: InferenceWorkerOptions,
  ) {}

  start(): void {
    const { group, workerId, concurrency, suspectsRun, onError } = this.options;
    if (suspectsRun !== 'here') this.startUpkeep();
    this.worker = new Worker<JobEnvelope>(
      suspectsRun === 'here' ? SUSPECTS : INFERENCE,
      // BullMQ passes its signal only to a function that declares three parameters.
      (job, token, signal) => this.process(job, token!, signal!),
      {
        connection: this.redis,
        prefix: queuePrefix(group),
        name: workerId,
        concurrency,
        lockDuration: 20_000,
        stalledInterval: 5_000,
        maxStalledCount: 25, // the default 1 fails a job for good at the second crash; `begin` counts crashes itself
        drainDelay: 1, // a job handed back wakes no idle worker: this is how long it may then lie
        runRetryDelay: 1_000, // after a lost connection; the default is 15 s
      },
    );
    this.worker.on('error', onError);
    this.worker.on('lockRenewalFailed', (bullIds: string[]) => {
      for (const bullId of bullIds) this.stop(bullId.slice(0, bullId.lastIndexOf('-')), 'stale');
    });
  }

  /** Of the group's backlog, by whoever runs its jobs; the process of the suspects does nothing but run them. */
  private startUpkeep(): void {
    const { group, suspectsRun, onSuspects } = this.options;
    const queue = openGroupQueue(this.redis, group);
    const feeder = new BacklogFeeder(this.redis, group, queue);
    this.queue = queue;
    this.feeder = feeder;
    this.every(FEED_EVERY_MS, () => feeder.feed());
    this.every(SWEEP_EVERY_MS, () => feeder.sweep((job) => this.options.expire(group, job)));
    if (suspectsRun === 'nowhere') return;
    const suspects = new SuspectsQueue(this.redis, group);
    this.suspects = suspects;
    this.every(SWEEP_EVERY_MS, async () => {
      if (await suspects.look()) onSuspects();
    });
  }

  /** The process that runs the suspects for this one died by itself. @returns ids of what it ran */
  async suspectsCrashed(workerId: string): Promise<string[]> {
    return (await this.suspects?.crashed(workerId)) ?? [];
  }

  feedNow(): void {
    this.feeder?.feed().catch(this.options.onError);
  }

  /** Tells a run to stop; it decides what becomes of the job. */
  stop(jobId: string, reason: StopReason): void {
    this.running.get(jobId)?.abort(reason);
  }

  /** A word that was missed while the connection was away stands in the records as well. */
  async stopCancelled(): Promise<void> {
    const { group } = this.options;
    const jobIds = [...this.running.keys()];
    const flags = await Promise.all(jobIds.map((jobId) => this.redis.hget(keysOf(group).record(jobId), 'cancel')));
    jobIds.forEach((jobId, i) => flags[i] !== null && this.stop(jobId, 'cancelled'));
  }

  get busy(): number {
    return this.running.size;
  }

  /**
   * Stops taking jobs, lets those that run finish until `deadline` settles, then has them handed back.
   * Safe to call twice.
   */
  async drain(deadline: Promise<unknown>): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    const worker = this.worker;
    this.worker = undefined;
    const closed = worker?.close();
    await Promise.race([closed, deadline]);
    for (const run of this.running.values()) run.abort('drain' satisfies StopReason);
    await closed;
    await Promise.allSettled(this.writing);
    await this.feeder?.feed().catch(() => undefined);
    this.feeder?.stop();
    await Promise.all([this.queue?.close(), this.suspects?.close()]);
    this.queue = undefined;
    this.suspects = undefined;
  }

  private async process(job: Job<JobEnvelope>, token: string, bullSignal: AbortSignal): Promise<void> {
    const { jobId } = job.data;
    const turn = turnOf(job.id!, token, job.data);
    const stop = new AbortController();
    bullSignal.addEventListener('abort', () => stop.abort('stale' satisfies StopReason), { once: true });
    this.running.set(jobId, stop);
    let end: RunEnd;
    try {
      end = await this.options.run(this.options.group, turn, stop.signal, { feedMore: () => this.feedNow() });
    } catch (error) {
      this.options.onError(error as Error);
      throw error;
    } finally {
      if (this.running.get(jobId) === stop) this.running.delete(jobId);
    }
    if (end.othersWait) this.feedNow();
    if (end.kind !== 'failed' && end.written !== undefined) this.track(end.written);
    if (end.kind === 'suspect') await this.isolate(turn);
    if (end.kind === 'failed') throw new UnrecoverableError(end.code);
    if (end.kind === 'handed_back') {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    // Nothing is returned: BullMQ would copy it into its event stream.
  }

  /** The completion that BullMQ is told next stands behind the outcome on the same connection: one trip for both. */
  private track(written: Promise<{ othersWait: boolean }>): void {
    const done = written
      .then(({ othersWait }) => othersWait && this.feedNow())
      .catch(this.options.onError)
      .finally(() => this.writing.delete(done));
    this.writing.add(done);
  }

  private async isolate(turn: JobTurn): Promise<void> {
    const { group, onSuspects } = this.options;
    const crashes = await this.suspects?.isolate(turn);
    if (crashes !== undefined) onSuspects({ group, jobId: turn.jobId, crashes });
  }

  private every(ms: number, chore: () => Promise<void>): void {
    const timer = setInterval(() => {
      chore().catch(this.options.onError);
    }, ms);
    this.timers.push(timer);
  }
}
