import type { IncomingHttpHeaders } from 'node:http';
import { apiError } from '../api-error.js';

/**
 * `Idempotency-Key`, bare or as a quoted string (the header's draft standard): both name the same key. Undefined: none.
 * @throws 400 invalid_header
 */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['idempotency-key'];
  return header === undefined ? undefined : readIdempotencyKey(String(header), 'idempotency-key');
}

/** @param param where it stood @throws 400 */
export function readIdempotencyKey(text: unknown, param: string): string {
  const quoted = typeof text === 'string' ? /^"((?:[^"\\]|\\["\\])*)"$/.exec(text) : null;
  const key = quoted === null ? text : quoted[1]!.replace(/\\(.)/g, '$1');
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const code = param === 'idempotency-key' ? 'invalid_header' : 'invalid_request';
  throw apiError(code, `${param} must be 1 to 255 printable ASCII characters.`, param);
}
