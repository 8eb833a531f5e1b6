import type { DurableRecords } from '@sluice/queue';
import { ApiException } from '../api-error.js';
import { noSuchResponse, type StoredResponse } from './stored-responses.js';

/** Record and stream are gone with it. @throws 409 while it is not over: it can be cancelled */
export async function deleteResponse(
  { id, job }: StoredResponse,
  { durables }: { durables: Pick<DurableRecords, 'erase'> },
): Promise<{ id: string; object: 'response'; deleted: true }> {
  switch (await durables.erase(job.group, job.jobId, 'erased')) {
    case 'done':
      return { id, object: 'response', deleted: true };
    case 'gone':
      throw noSuchResponse(id);
    case 'unfinished': {
      const message = 'The response is still in progress. One in the background can be cancelled first.';
      throw new ApiException({ code: 'job_not_terminal', message, retryAfterMs: 1_000 }, job.jobId);
    }
  }
}
