/**
 * Life of a batch. It is the row's `status`, changed only forward and only by whoever drives it (cancelling: by its caller).
 *
 *     validating ──► in_progress ──► finalizing ──► completed
 *         │               │              └────────► expired      its window was over before all lines had run
 *         │               └──► cancelling ────────► cancelled
 *         ├──► cancelling
 *         └──► failed                                            the file is no batch: nothing has run
 */
export type BatchStatus =
  'validating' | 'in_progress' | 'finalizing' | 'completed' | 'failed' | 'expired' | 'cancelling' | 'cancelled';

export const UNFINISHED_BATCH: readonly BatchStatus[] = ['validating', 'in_progress', 'finalizing', 'cancelling'];

export const isBatchOver = (status: BatchStatus): boolean => !UNFINISHED_BATCH.includes(status);

/** Why lines are begun no more. */
export type BatchEnding = 'cancelled' | 'expired';

/** Undefined: lines may run. A batch whose lines are all done is completed, however late it is looked at. */
export function endingOf(batch: { status: BatchStatus; expiresAtMs: number }, nowMs: number): BatchEnding | undefined {
  if (batch.status === 'cancelling') return 'cancelled';
  return nowMs >= batch.expiresAtMs ? 'expired' : undefined;
}

/** @param unrun lines that were never begun, or were stopped by the ending itself */
export function lastStatus(ending: BatchEnding | undefined, unrun: number): 'completed' | BatchEnding {
  if (ending === 'cancelled') return 'cancelled';
  return ending === 'expired' && unrun > 0 ? 'expired' : 'completed';
}
