import {
  afterDelivery,
  disabledEventId,
  GIVE_UP_AFTER_MS,
  isSuccess,
  type DeliveryTry,
  type KeptSecret,
  type TryOutcome,
} from '@sluice/core';
import type { Emit } from '@sluice/telemetry';
import type { DeliveryQueue, TakenDelivery } from './delivery-queue.js';
import type { ClosingEndpoint, EndpointBook } from './endpoint-book.js';
import type { EventPublisher } from './event-publisher.js';
import type { SecretBox } from './secret-box.js';
import { liveSecrets, signedHeaders } from './secrets.js';
import type { WebhookClient } from './webhook-client.js';

export interface DeliveryEngineDeps {
  queue: DeliveryQueue;
  book: EndpointBook;
  events: EventPublisher;
  box: SecretBox;
  client: Pick<WebhookClient, 'post'>;
  /** Redis TIME: it dates signatures and tries. */
  nowMs: () => number;
  random: () => number;
  emit: Emit;
  onError: (error: Error) => void;
}

/** Tries of one worker at a time. Each waits for its receiver most of the time, and holds a socket and little more. */
const MOST_IN_HAND = 2_000;
const LOOK_EVERY_MS = 1_000;
/** Nothing waits and nothing flies: what comes is told on the channel, and this is for a message that was lost. */
const IDLE_LOOK_EVERY_MS = 5_000;
const ENDED_AT_ONCE = 500;

/**
 * Delivers what is due, wherever it comes from; any number of workers share it. State is in Redis alone: a worker that is
 * lost leaves leases behind, and its deliveries are tried again when those end.
 */
export class DeliveryEngine {
  private readonly inHand = new Map<TakenDelivery, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private looksAgain = false;
  private isStopped = false;
  private keptAtMs = -Infinity;
  private sawNothing = false;

  constructor(private readonly deps: DeliveryEngineDeps) {}

  start(): void {
    this.wake();
  }

  /** When it looked last there was no delivery that is not over, at any worker. */
  get isIdle(): boolean {
    return this.sawNothing;
  }

  /** Something may be due. */
  readonly wake = (): void => {
    if (this.isStopped) return;
    if (this.looking !== undefined) {
      this.looksAgain = true;
      return;
    }
    clearTimeout(this.timer);
    this.looking = this.look()
      .catch((error: Error) => {
        this.deps.onError(error);
        return LOOK_EVERY_MS;
      })
      .then((nextInMs) => {
        this.looking = undefined;
        if (this.isStopped) return;
        this.timer = setTimeout(this.wake, this.looksAgain ? 0 : nextInMs);
        this.looksAgain = false;
      });
  };

  /** Those in the hands of this worker may land in so many ms; the rest go back, and their tries do not count. */
  async stop(withinMs: number): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.looking;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
    await Promise.race([Promise.all(this.inHand.values()), late]);
    clearTimeout(timer);
    const left = [...this.inHand.keys()];
    this.inHand.clear();
    const back = { kind: 'back' } as const;
    await Promise.allSettled(left.map((one) => this.deps.queue.settle(one, back, undefined, { wasAsked: false })));
  }

  /** @returns when to look again, ms from now */
  private async look(): Promise<number> {
    const { queue } = this.deps;
    await this.keepHouse();
    const room = MOST_IN_HAND - this.inHand.size;
    if (room <= 0) return LOOK_EVERY_MS; // a landing wakes
    const { taken, nextInMs } = await queue.take(room);
    this.sawNothing = nextInMs === undefined && taken.length === 0;
    for (const one of taken) {
      const landed = this.deliver(one)
        .catch((error: Error) => this.deps.onError(error))
        .finally(() => {
          this.inHand.delete(one);
          this.wake();
        });
      this.inHand.set(one, landed);
    }
    return nextInMs === undefined ? IDLE_LOOK_EVERY_MS : Math.min(nextInMs, LOOK_EVERY_MS);
  }

  private async deliver(taken: TakenDelivery): Promise<void> {
    const { queue, book, client, nowMs, random, emit } = this.deps;
    const { plan, endpoint } = taken;
    const receiver = this.receiverOf(taken);
    if (receiver === undefined) {
      const attempt: DeliveryTry = { atMs: nowMs(), statusCode: null, error: 'endpoint_disabled' };
      return queue.settle(taken, { kind: 'failed' }, attempt, { wasAsked: false });
    }
    const atMs = nowMs();
    const secrets = this.opened(receiver.secrets);
    const wasAsked = secrets !== undefined;
    const outcome: TryOutcome = wasAsked
      ? await client.post(receiver.url, { ...signedHeaders(plan.eventId, plan.body, secrets, atMs) }, plan.body)
      : { kind: 'unanswered', error: 'secret_unreadable' };
    if (this.isStopped && !this.inHand.has(taken)) return; // it was handed back
    const after = afterDelivery(taken.tries + 1, outcome, nowMs(), random());
    const calmUntilMs = after.kind === 'delivered' ? undefined : after.calmUntilMs;
    const attempt = tryOf(outcome, atMs);
    await queue.settle(taken, after, attempt, { calmUntilMs, wasAsked });
    if (after.kind === 'failed') {
      emit('webhook.delivery_failed', { deliveryId: plan.id, tries: taken.tries + 1, error: attempt.error ?? '' });
    }
    if (after.kind === 'failed' && after.isGone && endpoint !== undefined && (await book.disable(endpoint, 'gone'))) {
      await this.keepHouse(true);
    }
  }

  /** Undefined: its endpoint takes nothing. Secrets as they are kept. */
  private receiverOf({ plan, endpoint }: TakenDelivery): { url: string; secrets: readonly KeptSecret[] } | undefined {
    if (plan.secret !== undefined) return { url: plan.url, secrets: [{ sealed: plan.secret }] };
    return endpoint?.status === 'enabled' ? endpoint : undefined;
  }

  /** Those that sign now. Undefined: they were sealed with a key that this process does not have. */
  private opened(kept: readonly KeptSecret[]): string[] | undefined {
    const { box, nowMs, onError } = this.deps;
    try {
      return liveSecrets(kept, nowMs()).map(({ sealed }) => box.open(sealed));
    } catch (error) {
      onError(error as Error);
      return undefined;
    }
  }

  /** Disables who took nothing for three days, and ends what waits for those that were disabled or deleted. */
  private async keepHouse(now = false): Promise<void> {
    if (!now && performance.now() - this.keptAtMs < LOOK_EVERY_MS) return;
    this.keptAtMs = performance.now();
    const { book, nowMs } = this.deps;
    const latestMs = nowMs() - GIVE_UP_AFTER_MS;
    for (const id of await book.failingSince(latestMs)) {
      const endpoint = await book.find(id);
      if (endpoint !== undefined) await book.disable(endpoint, 'no_success', latestMs);
    }
    for (const closing of await book.closing()) await this.close(closing);
  }

  /** Safe to repeat, and for several at once. */
  private async close({ id, reason, atMs }: ClosingEndpoint): Promise<void> {
    const { queue, book, events, emit, nowMs } = this.deps;
    const endpoint = await book.find(id);
    if (atMs !== undefined && endpoint !== undefined) {
      emit('webhook.endpoint_disabled', { endpointId: id, reason });
      const { tenant, metadata } = endpoint;
      const about = { id: disabledEventId(id, atMs), type: 'webhook_endpoint.disabled', createdAtMs: atMs } as const;
      await events.publish({ event: { ...about, tenant, data: { id, status: 'disabled', metadata } } });
    }
    const attempt: DeliveryTry = { atMs: nowMs(), statusCode: null, error: 'endpoint_disabled' };
    while ((await queue.failWaiting(id, ENDED_AT_ONCE, attempt)) === ENDED_AT_ONCE);
    await book.closed(id);
  }
}

function tryOf(outcome: TryOutcome, atMs: number): DeliveryTry {
  if (outcome.kind === 'unanswered') return { atMs, statusCode: null, error: outcome.error };
  const { status } = outcome;
  const error = isSuccess(outcome) ? null : status >= 300 && status < 400 ? 'redirect' : 'status';
  return { atMs, statusCode: status, error };
}
