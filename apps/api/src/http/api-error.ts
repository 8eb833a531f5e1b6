import { StoreUnavailable } from '@sluice/store';
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

/** What ioredis and the sockets say. */
const UNREACHED =
  /Stream isn't writeable|Cluster isn't ready|Connection is closed|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|^Too many Cluster redirections|^None of startup nodes/;
/** What a Redis says that is there and cannot serve: it loads, fails over, moves slots, lacks replicas or a disk. */
const UNFIT = /LOADING|MASTERDOWN|READONLY|^(?:NOREPLICAS|MISCONF|CLUSTERDOWN|TRYAGAIN|BUSY)\b/;

const NOT_ON_DISK =
  'The queue did not confirm in time that this is on its disk (sluice.durability: strict). Try again in a moment.';

/** An error of the connection to Redis, of Redis itself or of the database, as callers see it; undefined when it is something else. */
export function storageError(error: unknown): ApiException | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof StoreUnavailable) {
    return new ApiException({ code: 'storage_unavailable', message: error.message, retryAfterMs: 1_000 });
  }
  if (/^OOM |used memory > 'maxmemory'/.test(error.message)) {
    return apiError('storage_full', 'The queue has no room for new calls. Try again later.');
  }
  if (error.name === 'NotOnDiskError') {
    return new ApiException({ code: 'storage_unavailable', message: NOT_ON_DISK, retryAfterMs: 1_000 });
  }
  if (error.name === 'FileStorageError') {
    return apiError('storage_unavailable', 'The storage of files cannot be used. Try again in a moment.');
  }
  const isAway =
    error.name === 'MaxRetriesPerRequestError' ||
    error.name === 'StorageAwayError' ||
    error.name === 'ClusterAllFailedError' ||
    UNREACHED.test(error.message) ||
    UNFIT.test(error.message);
  if (!isAway) return undefined;
  return new ApiException({
    code: 'storage_unavailable',
    message: 'The queue cannot be reached. Try again in a moment.',
    retryAfterMs: 1_000,
  });
}
