import { setTimeout as pause } from 'node:timers/promises';
import type { InferenceJob } from '@sluice/pipeline';
import type { ApiError } from '@sluice/wire';
import { storageError } from './api-error.js';
import type { ReplyDeps } from './reply-deps.js';

/** A Redis that restarts is back in this time, or the caller is told that it is away. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

export const GONE: ApiError = { code: 'internal_error', message: 'The result of the call could not be read.' };

/**
 * The result of a completed job whose terminal frame was too large to carry it, or why there is none. Never rejects.
 * @param isOver nobody waits for it any more
 */
export async function readLargeResult(
  job: InferenceJob,
  { readResult }: Pick<ReplyDeps, 'readResult'>,
  isOver: () => boolean,
): Promise<Buffer | ApiError> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return (await readResult(job)) ?? GONE;
    } catch (error) {
      const storage = storageError(error);
      if (storage === undefined) return GONE;
      if (isOver() || performance.now() > giveUpAt) return storage.error;
    }
    await pause(RETRY_MS);
  }
}
