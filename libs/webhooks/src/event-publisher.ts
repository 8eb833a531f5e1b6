import { matchesEvents, type DeliveryPlan } from '@sluice/core';
import type { DeliveryQueue } from './delivery-queue.js';
import type { EndpointBook } from './endpoint-book.js';
import type { SecretBox } from './secret-box.js';
import { planOf, type OwnReceiver, type WebhookEvent } from './webhook-event.js';

export interface EventPublisherDeps {
  queue: DeliveryQueue;
  book: EndpointBook;
  box: SecretBox;
  /** There is something to deliver. */
  wake: () => void;
}

/** Turns events into deliveries, one for each receiver. Needs Redis alone. */
export class EventPublisher {
  constructor(private readonly deps: EventPublisherDeps) {}

  /**
   * Safe to repeat: a receiver gets an event once.
   * @param own hears of it whatever its filter says, when it is an endpoint: it was named
   */
  async publish(event: WebhookEvent, own?: OwnReceiver): Promise<void> {
    const plans = await this.plansFor(event, own);
    if (plans.length === 0) return;
    await Promise.all(plans.map((plan) => this.deps.queue.add(plan)));
    this.deps.wake();
  }

  /** To this endpoint and to nobody else. Undefined: it is not there, or disabled. */
  async publishTo(endpointId: string, event: WebhookEvent): Promise<DeliveryPlan | undefined> {
    const endpoint = await this.deps.book.find(endpointId);
    if (endpoint?.status !== 'enabled' || endpoint.tenant !== event.tenant) return undefined;
    const plan = planOf(event, { endpointId, url: endpoint.url });
    await this.deps.queue.add(plan);
    this.deps.wake();
    return plan;
  }

  private async plansFor(event: WebhookEvent, own: OwnReceiver | undefined): Promise<DeliveryPlan[]> {
    const { book, box } = this.deps;
    const { tenant, type } = event;
    const endpoints = new Map((await book.listenersTo(type, tenant)).map((endpoint) => [endpoint.id, endpoint]));
    if (own !== undefined && 'endpointId' in own && !endpoints.has(own.endpointId)) {
      const named = await book.find(own.endpointId);
      if (named?.status === 'enabled' && named.tenant === tenant) endpoints.set(named.id, named);
    }
    const plans = [...endpoints.values()].map(({ id, url }) => planOf(event, { endpointId: id, url }));
    if (own !== undefined && 'url' in own && matchesEvents(own.events ?? ['*'], type)) {
      plans.push(planOf(event, { url: own.url, secret: box.seal(own.secret) }));
    }
    return plans;
  }
}
