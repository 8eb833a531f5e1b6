import { Queue, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

/** Of keys that are no model group's; the braces keep them on one slot. */
const PREFIX = '{sluice}';
const NAME = 'batches';
/** Batches that one process drives at a time: each waits for its lines nearly all the time. */
const AT_ONCE = 50;
/** A batch whose process was killed goes on elsewhere after at most lock and check. */
const LOCK_MS = 8_000;
const CHECK_MS = 2_000;

/** Which batches are to be driven. The database says where each stands; this says that somebody has to look. */
export class BatchQueue {
  private readonly queue: Queue<Record<string, never>>;

  constructor(redis: Redis) {
    this.queue = new Queue(NAME, {
      connection: redis,
      prefix: PREFIX,
      streams: { events: { maxLen: 200 } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    });
    this.queue.on('error', () => undefined);
  }

  /** Nothing changes when it is driven or waits already. */
  async add(batchIds: readonly string[]): Promise<void> {
    await this.queue.addBulk(batchIds.map((jobId) => ({ name: 'batch', data: {}, opts: { jobId } })));
  }

  async stop(): Promise<void> {
    await this.queue.close();
  }
}

export interface BatchWorkerOptions {
  workerId: string;
  /** @param stop this process ends, or another drives the batch */
  drive: (batchId: string, stop: AbortSignal) => Promise<void>;
  onError: (error: Error) => void;
}

/** Drives batches. One that fails, the database away for instance, leaves the queue: the sweep brings it back. */
export class BatchWorker {
  private worker: Worker<Record<string, never>> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly redis: Redis,
    private readonly options: BatchWorkerOptions,
  ) {}

  start(): void {
    const { workerId, onError } = this.options;
    this.worker = new Worker<Record<string, never>>(
      NAME,
      (job, _token, signal) => this.process(job, signal!), // three parameters, or there is no signal
      {
        connection: this.redis,
        prefix: PREFIX,
        name: workerId,
        concurrency: AT_ONCE,
        lockDuration: LOCK_MS,
        stalledInterval: CHECK_MS,
        maxStalledCount: 25,
        drainDelay: 1,
        runRetryDelay: 1_000,
      },
    );
    this.worker.on('error', onError);
    this.worker.on('lockRenewalFailed', (ids: string[]) => {
      for (const id of ids) this.worker?.cancelJob(id, 'lock lost');
    });
  }

  /** What is driven is left as it stands; another process, or this one's successor, goes on from there. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.worker?.close();
  }

  private async process(job: Job<Record<string, never>>, lockLost: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([this.stopping.signal, lockLost]);
    try {
      await this.options.drive(job.id!, stop);
    } catch (error) {
      if (stop.aborted) return;
      this.options.onError(error as Error);
      throw error;
    }
  }
}
