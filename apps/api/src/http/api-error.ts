import type { ApiError, ErrorCode } from '@sluice/wire';

/** Thrown where an HTTP request cannot go on; `ErrorFilter` writes it. */
export class ApiException extends Error {
  constructor(
    readonly error: ApiError,
    readonly jobId?: string,
  ) {
    super(error.message);
  }
}

export function apiError(code: ErrorCode, message: string, param?: string): ApiException {
  return new ApiException({ code, message, ...(param === undefined ? {} : { param }) });
}

/** An error of the connection to Redis or of Redis itself, as callers see it; undefined when it is something else. */
export function storageError(error: unknown): ApiException | undefined {
  if (!(error instanceof Error)) return undefined;
  if (/^OOM |used memory > 'maxmemory'/.test(error.message)) {
    return apiError('storage_full', 'The queue has no room for new calls. Try again later.');
  }
  const isAway =
    error.name === 'MaxRetriesPerRequestError' ||
    error.name === 'StorageAwayError' ||
    /Stream isn't writeable|Connection is closed|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|LOADING|MASTERDOWN|READONLY/.test(
      error.message,
    );
  if (!isAway) return undefined;
  return new ApiException({
    code: 'storage_unavailable',
    message: 'The queue cannot be reached. Try again in a moment.',
    retryAfterMs: 1_000,
  });
}
