import type { Outcome } from '@sluice/wire';
import { apiError } from '../api-error.js';
import { waitForEnd } from '../jobs/wait-for-end.js';
import type { ResponsesDeps } from './responses-deps.js';
import type { StoredResponse } from './stored-responses.js';

/** A run that is told to stop has ended well within it; if not, the caller sees a response that is still in progress. */
const STOPS_WITHIN_MS = 2_000;

const CANCELLED: Outcome = {
  state: 'cancelled',
  error: { code: 'job_cancelled', message: 'The response was cancelled.' },
};

/**
 * Ends a background response, and waits for its end. One that is over stays as it is.
 * @throws 400 of a response whose caller waits for it: leaving cancels that
 */
export async function cancelResponse(
  { asked, job, outcome }: StoredResponse,
  gone: AbortSignal,
  deps: ResponsesDeps,
): Promise<void> {
  if (asked['background'] !== true) {
    throw apiError('invalid_request', 'Only a response that was created with background: true can be cancelled.', 'id');
  }
  if (outcome !== undefined) return;
  const verdict = await deps.records.cancel(job.group, job.jobId, JSON.stringify(CANCELLED));
  if (verdict === 'cancelling') await waitForEnd(job, STOPS_WITHIN_MS, gone, deps);
}
