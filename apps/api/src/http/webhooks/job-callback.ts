import type { Settings } from '@sluice/config';
import { AddressRules, type EndpointBook } from '@sluice/webhooks';
import type { DurableJob } from '@sluice/wire';
import { apiError } from '../api-error.js';
import { checkEvents, checkSecret, checkUrl } from './check-receiver.js';

/**
 * Checks where a job's creator wants to be called, before the job is taken in. The endpoint is looked up in Redis: PostgreSQL
 * is not needed to accept a job.
 * @throws 400 webhook_url_forbidden, invalid_request; 404 not_found for an endpoint that is not the tenant's
 */
export async function checkCallback(
  webhook: DurableJob['webhook'],
  tenant: string,
  { webhooks }: Pick<Settings, 'webhooks'>,
  book: Pick<EndpointBook, 'find'>,
): Promise<void> {
  if (webhook === undefined) return;
  if ('url' in webhook) {
    checkUrl(webhook.url, new AddressRules(webhooks), 'webhook.url');
    checkSecret(webhook.secret, 'webhook.secret');
    if (webhook.events !== undefined) checkEvents(webhook.events, 'webhook.events');
    return;
  }
  const endpoint = await book.find(webhook.endpointId);
  if (endpoint?.tenant === tenant) return;
  throw apiError('not_found', 'There is no webhook endpoint with this id.', 'webhook_endpoint_id');
}
