import { newJobId, type KeptSecret, type WebhookEndpoint } from '@sluice/core';
import type { WebhookEndpoints, WebhookPage } from '@sluice/store';
import { newSecret, type EndpointBook, type SecretBox } from '@sluice/webhooks';
import { nextRandom } from '../../random-bytes.js';
import { apiError, type ApiException } from '../api-error.js';
import type { EndpointChange } from './read-endpoint.js';

/** Listeners of one event: each is a delivery. */
const MOST_ENDPOINTS = 100;
const OVERLAP_MS = 24 * 60 * 60 * 1_000;
/** Rotated out and still signing: so many headers' worth. */
const MOST_OLD_SECRETS = 4;

interface Deps {
  store: WebhookEndpoints;
  book: EndpointBook;
  box: SecretBox;
  nowMs: () => number;
}

/** A tenant's endpoints: in the store first, which is the truth, then in Redis, by which events are delivered. */
export class KeptEndpoints {
  constructor(private readonly deps: Deps) {}

  async create(tenant: string, asked: Required<Pick<EndpointChange, 'url'>> & EndpointChange) {
    const { store, book, box, nowMs } = this.deps;
    if ((await store.count(tenant)) >= MOST_ENDPOINTS) {
      throw apiError('invalid_request', `There may be ${MOST_ENDPOINTS} webhook endpoints; delete one first.`);
    }
    const secret = newSecret();
    const endpoint: WebhookEndpoint = {
      events: ['*'],
      metadata: {},
      status: 'enabled',
      ...asked,
      id: newEndpointId(nowMs()),
      tenant,
      disabledReason: null,
      secrets: [{ sealed: box.seal(secret) }],
      version: 1,
      createdAtMs: nowMs(),
    };
    await store.add(endpoint);
    await book.keep(endpoint);
    return { endpoint, secret };
  }

  /** @throws 404 */
  async find(tenant: string, id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.deps.store.find(tenant, id);
    if (endpoint === undefined) throw unknownEndpoint();
    return this.asOfNow(endpoint);
  }

  async list(tenant: string, page: WebhookPage): Promise<WebhookEndpoint[]> {
    const endpoints = await this.deps.store.list(tenant, page);
    return Promise.all(endpoints.map((endpoint) => this.asOfNow(endpoint)));
  }

  /** Whoever enables it says that it is well again. @throws 404 */
  async change(tenant: string, id: string, change: EndpointChange): Promise<WebhookEndpoint> {
    const { store, book } = this.deps;
    const reason = change.status === undefined ? await this.foundOutLately(id) : { disabledReason: null };
    const endpoint = await store.change(tenant, id, { ...change, ...reason });
    if (endpoint === undefined) throw unknownEndpoint();
    await book.keep(endpoint);
    return this.asOfNow(endpoint);
  }

  /** The old secret signs beside the new one for a day. @throws 404 */
  async rotate(tenant: string, id: string) {
    const { store, book, box, nowMs } = this.deps;
    const secret = newSecret();
    for (;;) {
      const known = await store.find(tenant, id);
      if (known === undefined) throw unknownEndpoint();
      const [current, ...older] = known.secrets;
      const untilMs = nowMs() + OVERLAP_MS;
      const old: KeptSecret[] = [...(current === undefined ? [] : [{ ...current, untilMs }]), ...older];
      const live = old.filter((each) => each.untilMs! > nowMs()).slice(0, MOST_OLD_SECRETS);
      const secrets = [{ sealed: box.seal(secret) }, ...live];
      const lately = await this.foundOutLately(id);
      const endpoint = await store.change(tenant, id, { ...lately, secrets }, known.version);
      if (endpoint === undefined) continue; // somebody else changed it in between
      await book.keep(endpoint);
      return { endpoint: await this.asOfNow(endpoint), secret };
    }
  }

  /** @throws 404 */
  async remove(tenant: string, id: string): Promise<void> {
    const endpoint = await this.deps.store.remove(tenant, id);
    if (endpoint === undefined) throw unknownEndpoint();
    await this.deps.book.forget(id, tenant, endpoint.version + 1);
  }

  /** That it takes nothing: the store may not know yet, and a new version would undo it. */
  private async foundOutLately(id: string): Promise<Pick<WebhookEndpoint, 'status' | 'disabledReason'> | undefined> {
    const copy = await this.deps.book.find(id);
    if (copy === undefined || copy.disabledReason === null) return undefined;
    return { status: copy.status, disabledReason: copy.disabledReason };
  }

  /** What deliveries found out lately is in Redis, and on its way to the store. */
  private async asOfNow(endpoint: WebhookEndpoint): Promise<WebhookEndpoint> {
    const copy = await this.deps.book.find(endpoint.id);
    return copy?.version === endpoint.version ? copy : endpoint;
  }
}

export const unknownEndpoint = (): ApiException =>
  apiError('not_found', 'There is no webhook endpoint with this id.', 'id');

const newEndpointId = (nowMs: number): string => `we_${newJobId(nowMs, nextRandom(), randomWord()).slice(4)}`;
const randomWord = (): number => Math.floor(Math.random() * 65_536);
