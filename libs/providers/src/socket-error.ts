import type { Failure } from '@sluice/core';
import { cleanMessage } from './provider-error.js';

/**
 * An error of the connection as a failure. undici's own connect timeout is one of the attempt's clocks; a reply that is not
 * HTTP is malformed; all else (refused, reset, unknown host, TLS, closed under a reused connection) is the network.
 */
export function failureOfSocketError(error: unknown, hasHead: boolean): Failure {
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { kind: 'timeout', message: 'The provider could not be reached in time', phase: 'connect' };
  }
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { kind: 'malformed', message: `The provider answered with something that is not HTTP (${code})` };
  }
  const what = hasHead ? 'The connection broke in the middle of the reply' : 'The provider could not be reached';
  return { kind: 'network', message: cleanMessage(`${what} (${code})`) };
}

/** By shape, not by class: jest and Node's core have an Error each. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const { code, cause, errors, message, name } = error as Record<string, unknown>;
  if (name === 'HTTPParserError') return typeof code === 'string' ? code : 'HPE_INVALID';
  if (typeof code === 'string' && code !== 'UND_ERR_SOCKET') return code;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  if (typeof cause === 'object' && cause !== null) return codeOf(cause);
  return typeof message === 'string' ? message : 'unknown';
}
