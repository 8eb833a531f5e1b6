import { matchesEvents, type DeliveryPlan, type WebhookEndpoint } from '@sluice/core';
import type { DeliveryQueue } from './delivery-queue.js';
import type { EndpointBook } from './endpoint-book.js';
import type { SecretBox } from './secret-box.js';
import { planOf, type OwnReceiver, type WebhookEvent } from './webhook-event.js';

export interface EventPublisherDeps {
  queue: DeliveryQueue;
  book: Pick<EndpointBook, 'enabledOf'>;
  box: SecretBox;
  /** There is something to deliver. */
  wake: () => void;
}

/** An event, and where its object's creator asked to be called. */
export interface PublishedEvent {
  readonly event: WebhookEvent;
  readonly own?: OwnReceiver | undefined;
}

/** Turns events into deliveries, one for each receiver. Needs Redis alone. */
export class EventPublisher {
  constructor(private readonly deps: EventPublisherDeps) {}

  /**
   * Safe to repeat: a receiver gets an event once. An endpoint that the creator named hears of it whatever its filter says.
   * Each tenant's endpoints are looked up once for all events.
   */
  async publish(...events: readonly PublishedEvent[]): Promise<void> {
    const tenants = new Map<string, Promise<WebhookEndpoint[]>>();
    const endpointsOf = (tenant: string): Promise<WebhookEndpoint[]> => {
      const known = tenants.get(tenant) ?? this.deps.book.enabledOf(tenant);
      tenants.set(tenant, known);
      return known;
    };
    const plans = await Promise.all(
      events.map(async (published) => this.plansFor(published, await endpointsOf(published.event.tenant))),
    );
    const added = await Promise.all(plans.flat().map((plan) => this.deps.queue.add(plan)));
    if (added.includes(true)) this.deps.wake();
  }

  /** To this endpoint and to nobody else. */
  async publishTo({ id, url }: WebhookEndpoint, event: WebhookEvent): Promise<DeliveryPlan> {
    const plan = planOf(event, { endpointId: id, url });
    await this.deps.queue.add(plan);
    this.deps.wake();
    return plan;
  }

  private plansFor({ event, own }: PublishedEvent, endpoints: readonly WebhookEndpoint[]): DeliveryPlan[] {
    const { type } = event;
    const named = own !== undefined && 'endpointId' in own ? own.endpointId : undefined;
    const plans = endpoints
      .filter(({ id, events }) => id === named || matchesEvents(events, type))
      .map(({ id, url }) => planOf(event, { endpointId: id, url }));
    if (own !== undefined && 'url' in own && matchesEvents(own.events ?? ['*'], type)) {
      plans.push(planOf(event, { url: own.url, secret: this.deps.box.seal(own.secret) }));
    }
    return plans;
  }
}
