import type { ApiError } from '@sluice/wire';

/** A worker that starts takes calls after a second or two. */
const RETRY_MS = 2_000;

/** Nobody serves the group, when a call comes or while it waits. */
export const noWorker = (group: string): ApiError => ({
  code: 'no_worker',
  message: `No worker serves the model group "${group}". Start one: sluice worker.`,
  retryAfterMs: RETRY_MS,
});
