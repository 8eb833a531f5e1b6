import type { ApiError } from '@sluice/wire';

/** No provider was asked for it in the time that it may wait. @param foundNoRoom it was begun, and nobody was free */
export const unstarted = (foundNoRoom: boolean): ApiError =>
  foundNoRoom
    ? { code: 'no_capacity', message: 'No deployment was free for the call in the time that it may wait in the queue.' }
    : { code: 'queue_ttl_exceeded', message: 'The call was not started in the time that it may wait in the queue.' };
