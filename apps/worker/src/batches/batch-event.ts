import { eventIdOf } from '@sluice/core';
import type { BatchRow } from '@sluice/store';
import type { PublishedEvent } from '@sluice/webhooks';

/** What receivers hear of a batch that is over; undefined: it is not. */
export function eventOfBatch({ id, status, tenant, metadata, endedAtMs }: BatchRow): PublishedEvent | undefined {
  if (status !== 'completed' && status !== 'failed' && status !== 'cancelled' && status !== 'expired') return undefined;
  const data = { id, status, metadata };
  return { event: { id: eventIdOf(id), type: `batch.${status}`, tenant, createdAtMs: endedAtMs ?? 0, data } };
}
