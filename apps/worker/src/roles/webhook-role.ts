import type { Settings } from '@sluice/config';
import { LedgerReader, type LedgerReaderOptions } from '@sluice/queue';
import { StoreUnavailable, WebhookDeliveries, WebhookEndpoints, type LazyDatabase } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import {
  DeliveryEngine,
  DeliveryQueue,
  DeliveryWriter,
  DUE_CHANNEL,
  EndpointBook,
  ErasedJobs,
  eventOfJob,
  WebhookClient,
  type EventPublisher,
  type SecretBox,
  type WebhookStore,
} from '@sluice/webhooks';
import type { LedgerEntry } from '@sluice/wire';
import type { Redis } from 'ioredis';
import type { RunningRole } from './role.js';

export interface WebhookRoleParts extends Pick<LedgerReaderOptions, 'groups' | 'disk' | 'onError'> {
  workerId: string;
  redis: Redis;
  subscriber: Redis;
  database: LazyDatabase;
  /** Nobody starts it for us. */
  databaseRunsAnyway: boolean;
  webhooks: Settings['webhooks'];
  box: SecretBox;
  publisher: EventPublisher;
  nowMs: () => number;
  emit: Emit;
}

/** Receivers that still think when a worker stops are asked again by another. */
const LANDS_WITHIN_MS = 1_000;

/** The role `webhooks` of a worker: makes events of the ends of jobs, delivers what is due, and writes down what came of it. */
export class WebhookRole implements RunningRole {
  private readonly ledger: LedgerReader;
  private readonly client: WebhookClient;
  private readonly engine: DeliveryEngine;
  private readonly writer: DeliveryWriter;
  private readonly erased: ErasedJobs;

  constructor(private readonly parts: WebhookRoleParts) {
    const { redis, subscriber, webhooks, box, publisher, nowMs, emit, onError, groups, disk, workerId } = parts;
    const queue = new DeliveryQueue(redis);
    const book = new EndpointBook(redis);
    const client = new WebhookClient({ addresses: webhooks, nowMs });
    const { random } = Math;
    this.client = client;
    this.erased = new ErasedJobs(redis);
    this.engine = new DeliveryEngine({ queue, book, events: publisher, box, client, nowMs, random, emit, onError });
    this.writer = new DeliveryWriter({
      workerId,
      queue,
      book,
      erased: this.erased,
      store: storeOf(parts.database),
      runsAnyway: parts.databaseRunsAnyway,
      isIdle: () => this.engine.isIdle,
      nowMs,
      onError: (error) => {
        if (!(error instanceof StoreUnavailable)) onError(error); // /readyz says so, and it waits in Redis
      },
    });
    this.ledger = new LedgerReader(redis, subscriber, {
      consumerGroup: 'webhooks',
      consumer: workerId,
      groups,
      disk,
      handle: (_group, entries) => this.publish(entries),
      onError,
      onOverflow: () => undefined, // told by the history's reader
    });
  }

  async start(): Promise<void> {
    const { subscriber } = this.parts;
    subscriber.on('message', this.hear);
    subscriber.on('ready', this.wake); // what was told meanwhile was not heard
    await subscriber.subscribe(DUE_CHANNEL);
    this.engine.start();
    this.writer.start();
    await this.ledger.start();
  }

  /** From the next connection on. */
  reconfigure({ webhooks }: Settings): void {
    this.client.use(webhooks);
  }

  async stop(): Promise<void> {
    await this.ledger.stop();
    this.parts.subscriber.off('message', this.hear);
    this.parts.subscriber.off('ready', this.wake);
    await this.engine.stop(LANDS_WITHIN_MS);
    await this.writer.stop();
    await this.client.stop();
  }

  private readonly hear = (channel: string): void => {
    if (channel === DUE_CHANNEL) this.wake();
  };

  private readonly wake = (): void => {
    this.engine.wake();
    this.writer.wake();
  };

  private async publish(entries: readonly LedgerEntry[]): Promise<void> {
    const events = entries.map((entry) => (entry.type === 'over' ? eventOfJob(entry) : undefined));
    await this.parts.publisher.publish(...events.filter((event) => event !== undefined));
    const erased = entries.filter(({ type }) => type === 'erased').map(({ jobId }) => jobId);
    await this.erased.note(erased, this.parts.nowMs());
    if (erased.length > 0) this.writer.wake();
  }
}

function storeOf(database: LazyDatabase): WebhookStore {
  const endpoints = new WebhookEndpoints(database);
  const deliveries = new WebhookDeliveries(database);
  return {
    // In an installation that was given no database, what became of callbacks is let go.
    write: async (rows) => (database.isConfigured ? deliveries.write(rows) : undefined),
    blank: async (jobIds) => (database.isConfigured ? deliveries.blank(jobIds) : []),
    disable: (id, version, reason) => endpoints.disable(id, version, reason),
    endpointsAfter: (id, limit) => endpoints.all(id, limit),
    forgetBefore: (timeMs) => deliveries.forgetBefore(timeMs),
  };
}
