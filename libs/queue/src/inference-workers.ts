import type { Redis } from 'ioredis';
import { cancelChannel, drainChannel, FEED_CHANNEL } from './group-keys.js';
import { InferenceWorker, type InferenceWorkerOptions } from './inference-worker.js';

export interface InferenceWorkersOptions extends Omit<InferenceWorkerOptions, 'group'> {
  /** How long running jobs may finish once told to stop, before they are handed back, ms. */
  drainMs: number;
  /** An operator wants this worker to take no more jobs. */
  onDrain: () => void;
}

/** One InferenceWorker for each model group that this process serves. */
export class InferenceWorkers {
  private readonly byGroup = new Map<string, InferenceWorker>();
  private stopping: Promise<void> | undefined;

  private readonly onReady = (): void => {
    for (const worker of this.byGroup.values()) worker.stopCancelled().catch(this.options.onError);
  };

  /** @param subscriber a connection of its own: a subscribed one can do nothing else */
  constructor(
    private readonly redis: Redis,
    private readonly subscriber: Redis,
    private readonly options: InferenceWorkersOptions,
  ) {}

  async start(groups: Iterable<string>): Promise<void> {
    for (const group of groups) this.open(group);
    const { workerId, onDrain } = this.options;
    const [cancels, drains] = [cancelChannel(workerId), drainChannel(workerId)];
    this.subscriber.on('message', (channel: string, message: string) => {
      if (channel === FEED_CHANNEL) this.byGroup.get(message)?.feedNow();
      else if (channel === drains) onDrain();
      else if (channel === cancels) for (const worker of this.byGroup.values()) worker.stop(message, 'cancelled');
    });
    await this.subscriber.subscribe(cancels, drains, FEED_CHANNEL);
    this.subscriber.on('ready', this.onReady); // from now on: it was away
  }

  /** Takes jobs of one more group. Nothing changes when it does already. */
  open(group: string): void {
    if (this.stopping !== undefined || this.byGroup.has(group)) return;
    const worker = new InferenceWorker(this.redis, { ...this.options, group });
    this.byGroup.set(group, worker);
    worker.start();
  }

  /** Takes no more jobs of a group. Runs may finish, as in `stop`. */
  async close(group: string): Promise<void> {
    const worker = this.byGroup.get(group);
    if (worker === undefined) return;
    await this.drain([worker]);
    this.byGroup.delete(group);
  }

  get groups(): string[] {
    return [...this.byGroup.keys()];
  }

  get busy(): number {
    let busy = 0;
    for (const worker of this.byGroup.values()) busy += worker.busy;
    return busy;
  }

  /** The process that runs the suspects for this one died by itself. @returns ids of what it ran */
  async suspectsCrashed(workerId: string): Promise<string[]> {
    const crashed = await Promise.all([...this.byGroup.values()].map((worker) => worker.suspectsCrashed(workerId)));
    return crashed.flat();
  }

  /** Safe to call twice: the second waits for the first. */
  stop(): Promise<void> {
    this.stopping ??= this.drain([...this.byGroup.values()]);
    return this.stopping;
  }

  private async drain(workers: readonly InferenceWorker[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => (timer = setTimeout(resolve, this.options.drainMs)));
    await Promise.all(workers.map((worker) => worker.drain(deadline)));
    clearTimeout(timer);
  }
}
