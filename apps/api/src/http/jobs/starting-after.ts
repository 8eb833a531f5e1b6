import type { IncomingHttpHeaders } from 'node:http';
import { apiError } from '../api-error.js';

/**
 * Number of the last event that a reader has; 0: none. `?starting_after` before `Last-Event-ID`, which an EventSource sends
 * by itself when it comes back.
 * @throws 400 invalid_request, or invalid_header
 */
export function startingAfter(query: Readonly<Record<string, unknown>>, headers: IncomingHttpHeaders): number {
  const asked = query['starting_after'];
  if (asked !== undefined) return numberOf(asked) ?? refuse('invalid_request', 'starting_after');
  const last = headers['last-event-id'];
  if (last === undefined || last === '') return 0;
  return numberOf(last) ?? refuse('invalid_header', 'Last-Event-ID');
}

const numberOf = (text: unknown): number | undefined =>
  typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

function refuse(code: 'invalid_request' | 'invalid_header', name: string): never {
  throw apiError(code, `${name} must be the number of an event: a whole number from 0.`, name);
}
