import { isBatchOver } from '@sluice/core';
import type { BatchRow } from '@sluice/store';

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
const rfc3339OrNull = (ms: number | null): string | null => (ms === null ? null : rfc3339(ms));

/** When its results are removed. */
const archivedAtMs = ({ endedAtMs, outputKeptMs }: BatchRow): number => (endedAtMs ?? Infinity) + outputKeptMs;

/** Anthropic's message batch. Its counts are live, where Anthropic's are all zero until the end. */
export function messageBatchView(batch: BatchRow, nowMs: number) {
  const { id, status, total, succeeded, errored, cancelled, expired } = batch;
  const isOver = isBatchOver(status);
  const isArchived = archivedAtMs(batch) <= nowMs;
  return {
    id,
    type: 'message_batch' as const,
    processing_status: isOver
      ? ('ended' as const)
      : status === 'cancelling'
        ? ('canceling' as const)
        : ('in_progress' as const),
    request_counts: {
      processing: Math.max(0, total - succeeded - errored - cancelled - expired),
      succeeded,
      errored,
      canceled: cancelled,
      expired,
    },
    created_at: rfc3339(batch.createdAtMs),
    expires_at: rfc3339(batch.expiresAtMs),
    cancel_initiated_at: rfc3339OrNull(batch.cancellingAtMs),
    ended_at: rfc3339OrNull(batch.endedAtMs),
    archived_at: isArchived ? rfc3339(archivedAtMs(batch)) : null,
    /** Relative: clients put their own base URL before it. */
    results_url: isOver && !isArchived ? `/v1/messages/batches/${id}/results` : null,
  };
}
