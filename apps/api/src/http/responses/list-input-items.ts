import { inputItems } from '@sluice/wire';
import { apiError } from '../api-error.js';
import { listPage, type ListPage, type PageQuery } from '../list-page.js';
import type { StoredResponse } from './stored-responses.js';

/** `GET /v1/responses/ID/input_items`: what this call itself brought, without what it went on with. */
export function listInputItems(
  { asked, job }: StoredResponse,
  { after, limit, order }: PageQuery,
): ListPage<{ id: string }> {
  const items = inputItems(asked, job.jobId);
  if (order === 'desc') items.reverse();
  const at = after === undefined ? -1 : items.findIndex(({ id }) => id === after);
  if (after !== undefined && at === -1) throw apiError('invalid_request', 'after must be the id of an item.', 'after');
  return listPage(items.slice(at + 1, at + 2 + limit), limit, (item) => item);
}
