import type { InferenceJob } from '@sluice/pipeline';
import type { ApiError } from '@sluice/wire';
import type { ReplyDeps } from '../reply-deps.js';

/** The answer is that of an earlier call. */
export const REPLAYED = { 'idempotent-replayed': 'true' };

/**
 * What a caller is told whose call is not answered here although its job goes on: that a repeat gets the answer, where that
 * is so. Never rejects: with Redis away a repeat would be another call, and nobody is told to make one.
 */
export async function comeBack(
  error: ApiError,
  job: InferenceJob,
  { promise }: Pick<ReplyDeps, 'promise'>,
): Promise<ApiError> {
  if (promise === undefined) return error;
  const isPromised = await promise(job).then(
    () => true,
    () => false,
  );
  return isPromised ? { ...error, isJoined: true } : error;
}
