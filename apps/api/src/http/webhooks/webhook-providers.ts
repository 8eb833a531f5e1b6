import type { Provider } from '@nestjs/common';
import { Connections, RedisClock } from '@sluice/state';
import { LazyDatabase, WebhookDeliveries, WebhookEndpoints } from '@sluice/store';
import { DeliveryQueue, EndpointBook, EventPublisher, SecretBox } from '@sluice/webhooks';
import { DeliveriesController } from './deliveries.controller.js';
import { KeptDeliveries } from './kept-deliveries.js';
import { KeptEndpoints } from './kept-endpoints.js';
import { WebhookEndpointsController } from './webhook-endpoints.controller.js';

export const WEBHOOK_CONTROLLERS = [WebhookEndpointsController, DeliveriesController];

/** What webhooks are made of in the api: it sets them up; workers deliver. */
export const webhookProviders = (bodyKey: string | undefined): Provider[] => [
  ...[DeliveryQueue, EndpointBook].map((OfRedis) => ({
    provide: OfRedis,
    inject: [Connections],
    useFactory: ({ commands }: Connections) => new OfRedis(commands),
  })),
  {
    provide: KeptEndpoints,
    inject: [LazyDatabase, EndpointBook, RedisClock],
    useFactory: (database: LazyDatabase, book: EndpointBook, { nowMs }: RedisClock) =>
      new KeptEndpoints({ store: new WebhookEndpoints(database), book, box: new SecretBox(bodyKey), nowMs }),
  },
  {
    provide: KeptDeliveries,
    inject: [LazyDatabase, EndpointBook, DeliveryQueue, RedisClock],
    useFactory: (database: LazyDatabase, book: EndpointBook, queue: DeliveryQueue, { nowMs }: RedisClock) => {
      const box = new SecretBox(bodyKey);
      const publisher = new EventPublisher({ queue, book, box, wake: () => queue.announce() });
      return new KeptDeliveries({ store: new WebhookDeliveries(database), book, queue, publisher, nowMs });
    },
  },
];
