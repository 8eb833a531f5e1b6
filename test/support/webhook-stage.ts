import { randomBytes } from 'node:crypto';
import type { DeliveryRow, WebhookEndpoint } from '@sluice/core';
import { openRedis } from '@sluice/state';
import {
  DeliveryEngine,
  DeliveryQueue,
  EndpointBook,
  EventPublisher,
  newSecret,
  SecretBox,
  WebhookClient,
  type ResolveHost,
  type WebhookEvent,
} from '@sluice/webhooks';
import type { Redis } from 'ioredis';
import type { Entry } from './history/entry.js';
import { violationsIn } from './history/judge.js';
import { tryOf } from './history/read-provider.js';
import { HookReceiver } from './hook-receiver.js';
import { OwnRedis } from './own-redis.js';
import { withSteppedClock, type SteppedRedis } from './stepped-redis.js';

export const HOUR_MS = 3_600_000;

export interface StageOptions {
  headWithinMs?: number;
  resolve?: ResolveHost;
}

/** Engine, endpoints and a receiver over a Redis of their own, on a clock that the test sets. */
export class WebhookStage {
  private readonly own = new OwnRedis();
  readonly receiver = new HookReceiver();
  readonly events: { event: string; fields: unknown }[] = [];
  readonly errors: Error[] = [];
  redis!: Redis;
  queue!: DeliveryQueue;
  book!: EndpointBook;
  publisher!: EventPublisher;
  nowMs = Date.now();
  private stepped!: SteppedRedis;
  private readonly clients: WebhookClient[] = [];
  private readonly engines: DeliveryEngine[] = [];
  private readonly box = new SecretBox('a key');
  /** Of each URL: several endpoints may be there. */
  private readonly secrets = new Map<string, string[]>();
  private made = 0;

  async start(): Promise<this> {
    await this.own.start();
    await this.receiver.start();
    this.redis = openRedis(this.own.url, { role: 'worker', onError: () => {} });
    this.stepped = withSteppedClock(this.redis, 'stage:clock');
    this.step(0);
    this.queue = new DeliveryQueue(this.redis);
    this.book = new EndpointBook(this.redis);
    const wake = (): void => {
      for (const engine of this.engines) engine.wake();
    };
    this.publisher = new EventPublisher({ queue: this.queue, book: this.book, box: this.box, wake });
    return this;
  }

  /** One worker's. */
  engine({ headWithinMs = 2_000, resolve }: StageOptions = {}): DeliveryEngine {
    const nowMs = (): number => this.nowMs;
    const addresses = { allowHttp: true, allowNetworks: ['127.0.0.0/8'] };
    const client = new WebhookClient({ addresses, nowMs, headWithinMs, ...(resolve === undefined ? {} : { resolve }) });
    const engine = new DeliveryEngine({
      queue: this.queue,
      book: this.book,
      events: this.publisher,
      box: this.box,
      client,
      nowMs,
      random: () => 0,
      emit: (event, fields) => this.events.push({ event, fields }),
      onError: (error) => this.errors.push(error),
    });
    this.clients.push(client);
    this.engines.push(engine);
    engine.start();
    return engine;
  }

  /** Time passes, everywhere. */
  step(ms: number): void {
    this.nowMs += ms;
    this.stepped.setUs(this.nowMs * 1_000);
    for (const engine of this.engines) engine.wake();
  }

  /** @returns the endpoint and its secret */
  async endpoint(
    path: string,
    { tenant = 'acme', events = ['*'], url = this.receiver.url(path) } = {},
  ): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    const secret = newSecret();
    const endpoint: WebhookEndpoint = {
      id: `we_${randomBytes(16).toString('hex')}`,
      tenant,
      url,
      events,
      metadata: { path },
      status: 'enabled',
      disabledReason: null,
      secrets: [{ sealed: this.box.seal(secret) }],
      version: 1,
      createdAtMs: this.nowMs,
    };
    await this.book.keep(endpoint);
    this.secrets.set(url, [...(this.secrets.get(url) ?? []), secret]);
    return { endpoint, secret };
  }

  event(type: WebhookEvent['type'] = 'job.completed', tenant = 'acme'): WebhookEvent {
    const hex = `${this.nowMs.toString(16).padStart(12, '0')}${String(++this.made).padStart(20, '0')}`;
    const data = { id: `job_${hex}`, status: type.split('.')[1] ?? type, metadata: {} };
    return { id: `evt_${hex}`, type, tenant, createdAtMs: this.nowMs, data, jobId: data.id };
  }

  seal(secret: string): string {
    return this.box.seal(secret);
  }

  /** All deliveries that the store does not know, which are all while nobody writes. */
  async deliveries(): Promise<DeliveryRow[]> {
    return (await this.queue.unwritten(10_000)).rows;
  }

  async stop(): Promise<void> {
    const broken = this.violations();
    await Promise.all(this.engines.map((engine) => engine.stop(0)));
    await Promise.all(this.clients.map((client) => client.stop()));
    this.redis.disconnect();
    await this.receiver.stop();
    await this.own.stop('SIGKILL');
    if (this.errors.length > 0) throw this.errors[0]!;
    if (broken.length > 0) throw new Error(`promises were broken:\n${broken.join('\n')}`);
  }

  /** Of what is promised about callbacks, by all that was received. */
  private violations(): string[] {
    const tries = this.receiver.all.flatMap(({ path, headers, body }) => {
      const url = this.receiver.url(path);
      const read = (secret?: string): Entry[] => tryOf(url, headers, body, () => secret, this.nowMs);
      const bySecret = (this.secrets.get(url) ?? [undefined]).map(read);
      return bySecret.find(([tried]) => tried?.what === 'tried' && tried.isSigned) ?? bySecret[0]!;
    });
    return violationsIn(tries, 0);
  }
}
