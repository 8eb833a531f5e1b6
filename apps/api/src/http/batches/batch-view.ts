import type { BatchStatus } from '@sluice/core';
import type { BatchRow } from '@sluice/store';

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1_000));

/** OpenAI's batch object. */
export function batchView(batch: BatchRow) {
  const { status, endedAtMs, succeeded, errored, cancelled, expired, inputTokens, outputTokens } = batch;
  const endedAs = (wanted: BatchStatus): number | null => (status === wanted ? seconds(endedAtMs) : null);
  return {
    id: batch.id,
    object: 'batch' as const,
    endpoint: batch.endpoint,
    errors: batch.errors === null ? null : { object: 'list' as const, data: batch.errors },
    input_file_id: batch.inputFileId,
    completion_window: batch.completionWindow,
    status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: seconds(batch.createdAtMs)!,
    in_progress_at: seconds(batch.inProgressAtMs),
    expires_at: seconds(batch.expiresAtMs),
    finalizing_at: seconds(batch.finalizingAtMs),
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelling_at: seconds(batch.cancellingAtMs),
    cancelled_at: endedAs('cancelled'),
    request_counts: { total: batch.total, completed: succeeded, failed: errored + cancelled + expired },
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
    metadata: batch.metadata,
    retried_from: batch.retriedFrom,
  };
}
