import { isErasedPlan, newJobId, type DeliveryRow, type WebhookEndpoint } from '@sluice/core';
import type { WebhookDeliveries, WebhookPage } from '@sluice/store';
import type { DeliveryQueue, EndpointBook, EventPublisher } from '@sluice/webhooks';
import { nextRandom } from '../../random-bytes.js';
import { apiError, type ApiException } from '../api-error.js';

interface Deps {
  store: WebhookDeliveries;
  book: Pick<EndpointBook, 'find'>;
  queue: DeliveryQueue;
  publisher: EventPublisher;
  nowMs: () => number;
}

type Filter = Parameters<WebhookDeliveries['list']>[1];

/** A tenant's deliveries: as the store has them, and of those that are not over what Redis knows better. */
export class KeptDeliveries {
  constructor(private readonly deps: Deps) {}

  /** @throws 404 */
  async find(tenant: string, id: string): Promise<DeliveryRow> {
    const row = await this.deps.store.find(tenant, id);
    if (row === undefined) throw apiError('not_found', 'There is no delivery with this id.', 'id');
    return this.asOfNow(row);
  }

  async list(tenant: string, filter: Filter, page: WebhookPage): Promise<DeliveryRow[]> {
    const rows = await this.deps.store.list(tenant, filter, page);
    return Promise.all(rows.map(async (row) => (row.status === 'pending' ? this.asOfNow(row) : row)));
  }

  /** @throws 400 when its endpoint takes nothing */
  async ping(endpoint: WebhookEndpoint): Promise<DeliveryRow> {
    const { publisher, queue, store, nowMs } = this.deps;
    const { id, tenant, metadata, status } = endpoint;
    if (status !== 'enabled') throw disabled();
    const about = { id: newEventId(nowMs()), type: 'ping', tenant, createdAtMs: nowMs() } as const;
    const plan = await publisher.publishTo(endpoint, { ...about, data: { id, status, metadata } });
    const row = (await queue.find(plan.id)) ?? { plan, status: 'pending', nextAtMs: nowMs(), tries: [], revision: 0 };
    await store.write([row]).catch(() => undefined); // so that it is listed at once; else it is in a second
    return row;
  }

  /** Once more from the beginning, with the same event id; at once when it waits. @throws 404, 400 */
  async redeliver(tenant: string, id: string): Promise<DeliveryRow> {
    const { queue, book } = this.deps;
    const row = await this.find(tenant, id);
    if (isErasedPlan(row.plan)) throw erased();
    const { endpointId } = row.plan;
    if (endpointId !== undefined && (await book.find(endpointId))?.status !== 'enabled') throw disabled();
    await queue.redeliver(row);
    queue.announce();
    return (await queue.find(id)) ?? row;
  }

  private async asOfNow(row: DeliveryRow): Promise<DeliveryRow> {
    const live = await this.deps.queue.find(row.plan.id);
    return live !== undefined && live.revision > row.revision ? live : row;
  }
}

const disabled = (): ApiException =>
  apiError('invalid_request', 'The webhook endpoint is disabled or deleted: enable it first (PATCH, status).', 'id');

const erased = (): ApiException =>
  apiError('invalid_request', 'What was to be delivered was erased with its job.', 'id');

const newEventId = (nowMs: number): string =>
  `evt_${newJobId(nowMs, nextRandom(), Math.floor(Math.random() * 65_536)).slice(4)}`;
