import { DrizzleQueryError } from 'drizzle-orm/errors';

/** PostgreSQL cannot be used now. The message says why and holds no address: callers see it. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** What sockets, the pool and the client say when there is no server, or when it is gone in the middle. */
const NOT_REACHED =
  /^(?:connect |read |write )?(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)|^Connection terminated|^timeout e(?:xceeded|xpired)|^Query read timeout|^Client (?:was closed|has encountered)|^Cannot use a pool after/;

/**
 * SQLSTATE classes of a server that is there and does not serve: connection (08), refused login (28), unknown database
 * (3D), no resources (53: connections, disk, memory), shutdown and start (57P), statements that were cut off (57014),
 * a standby (25006).
 */
const UNFIT = /^(?:08|28|3D|53|57P|57014$|25006$)/;

/**
 * What a failed query means for who asked: `StoreUnavailable`, or PostgreSQL's own error. Never drizzle's, whose message
 * holds the statement's parameters: prompts, keys.
 */
export function storeErrorOf(thrown: unknown): unknown {
  const error = thrown instanceof DrizzleQueryError ? thrown.cause : thrown;
  if (error === null || typeof error !== 'object' || error instanceof StoreUnavailable) return error;
  const { code = '', message = '' } = error as { code?: unknown; message?: unknown };
  const isAway = UNFIT.test(String(code)) || NOT_REACHED.test(String(code)) || NOT_REACHED.test(String(message));
  if (!isAway) return error;
  return new StoreUnavailable('The database cannot be reached. Try again in a moment.', { cause: error });
}

/** It refused a text of the caller's that it cannot hold: with a NUL, or with half of a surrogate pair in JSON. */
export function isUnstorableText(error: unknown): boolean {
  const { code, detail } = (error ?? {}) as { code?: unknown; detail?: unknown };
  return code === '22021' || code === '22P05' || (code === '22P02' && /surrogate/.test(String(detail)));
}
