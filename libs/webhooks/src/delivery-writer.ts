import type { DeliveryPlan, DeliveryRow, DisabledReason, WebhookEndpoint } from '@sluice/core';
import type { DeliveryQueue } from './delivery-queue.js';
import type { EndpointBook } from './endpoint-book.js';
import type { ErasedJobs } from './erased-jobs.js';

/** The store, as far as deliveries need it. Each rejects while it is away. */
export interface WebhookStore {
  write: (rows: readonly DeliveryRow[]) => Promise<void>;
  /** Blanks deliveries of these jobs that are over (`erasedPlan`). @returns plans of those that are not */
  blank: (jobIds: readonly string[]) => Promise<readonly DeliveryPlan[]>;
  /** Undefined: it was changed since that version, or is gone. */
  disable: (id: string, version: number, reason: DisabledReason) => Promise<WebhookEndpoint | undefined>;
  /** Of all tenants, by id. */
  endpointsAfter: (id: string, limit: number) => Promise<WebhookEndpoint[]>;
  /** Some deliveries made before that time. `more`: there may be others. */
  forgetBefore: (timeMs: number) => Promise<{ more: boolean }>;
}

export interface DeliveryWriterDeps {
  workerId: string;
  queue: DeliveryQueue;
  book: EndpointBook;
  erased: ErasedJobs;
  store: WebhookStore;
  /** The store may be asked although nothing was written to it: it need not be started for that. */
  runsAnyway: boolean;
  /** No delivery waits or flies. */
  isIdle: () => boolean;
  nowMs: () => number;
  onError: (error: Error) => void;
}

const EVERY_MS = 1_000;
const IDLE_EVERY_MS = 5_000;
const ROWS_AT_ONCE = 500;
const CLAIM_MS = 10_000;
const UPKEEP_EVERY_MS = 5 * 60 * 1_000;
/** API.md 1.8 */
const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

/**
 * Tells the store what became of deliveries, one process at a time. While it is away all of that waits in Redis, and
 * deliveries go on. Now and then it reads the endpoints back, for copies that were lost on the way, and forgets what is old.
 */
export class DeliveryWriter {
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private isStopped = false;
  private hasWritten = false;
  private upkeptAtMs = -Infinity;
  private isSleeping = false;
  private wasWoken = false;

  constructor(private readonly deps: DeliveryWriterDeps) {}

  start(): void {
    this.turnIn(EVERY_MS);
  }

  /** Something is being delivered: the store is told within a second. */
  readonly wake = (): void => {
    this.wasWoken = true; // a turn that is under way may have looked before
    if (this.isStopped || !this.isSleeping) return;
    clearTimeout(this.timer);
    this.turnIn(EVERY_MS);
  };

  private turnIn(ms: number): void {
    this.isSleeping = ms > EVERY_MS;
    this.timer = setTimeout(() => {
      this.isSleeping = false;
      this.wasWoken = false;
      this.writing = this.turn()
        .catch((error: Error) => {
          this.deps.onError(error);
          return true;
        })
        .then((hadNews) => {
          if (!this.isStopped) this.turnIn(hadNews || this.wasWoken || !this.deps.isIdle() ? EVERY_MS : IDLE_EVERY_MS);
        });
    }, ms);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.writing;
  }

  /** @returns whether there was something to tell the store */
  private async turn(): Promise<boolean> {
    const { queue, erased, store, workerId, nowMs } = this.deps;
    const [isNews, areErased] = await Promise.all([queue.hasNews(), erased.areDue(nowMs())]);
    const hasNews = isNews || areErased;
    if (!(hasNews || this.isUpkeepDue()) || !(await queue.claimWriting(workerId, CLAIM_MS))) return hasNews;
    await this.tellDisabled();
    while (!this.isStopped && (await this.writeSome()) === ROWS_AT_ONCE) await queue.claimWriting(workerId, CLAIM_MS);
    if (areErased) await erased.tend((jobIds) => store.blank(jobIds), nowMs()); // when all that is over is written
    if (this.isUpkeepDue()) await this.upkeep();
    return hasNews;
  }

  private async writeSome(): Promise<number> {
    const { queue, store } = this.deps;
    const { ids, rows } = await queue.unwritten(ROWS_AT_ONCE);
    if (ids.length === 0) return 0;
    if (rows.length > 0) {
      await store.write(rows);
      this.hasWritten = true;
    }
    const written = new Map(ids.map((id) => [id, 0]));
    for (const { plan, revision } of rows) written.set(plan.id, revision);
    await queue.forgetWritten(written);
    return ids.length;
  }

  private async tellDisabled(): Promise<void> {
    const { book, store } = this.deps;
    for (const { id, version, reason } of await book.disabled()) {
      const endpoint = await store.disable(id, version, reason as DisabledReason);
      if (endpoint !== undefined) await book.keep(endpoint);
      await book.toldOf([id]);
    }
  }

  private isUpkeepDue(): boolean {
    const isTime = performance.now() - this.upkeptAtMs >= UPKEEP_EVERY_MS;
    return isTime && (this.deps.runsAnyway || this.hasWritten);
  }

  private async upkeep(): Promise<void> {
    const { store, nowMs } = this.deps;
    await this.compareEndpoints();
    while (!this.isStopped && (await store.forgetBefore(nowMs() - KEPT_MS)).more);
    this.upkeptAtMs = performance.now();
  }

  private async compareEndpoints(): Promise<void> {
    const { book, store } = this.deps;
    let last: string | undefined = '';
    while (last !== undefined && !this.isStopped) {
      const endpoints = await store.endpointsAfter(last, ROWS_AT_ONCE);
      await Promise.all(endpoints.map((endpoint) => book.keep(endpoint)));
      last = endpoints.length < ROWS_AT_ONCE ? undefined : endpoints.at(-1)!.id;
    }
  }
}
