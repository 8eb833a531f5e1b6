import { apiError } from '../api-error.js';

const MOST_WAIT_S = 600;

/** The query of `GET /v1/jobs/ID`. @throws 400 invalid_request */
export function readLookQuery(query: Readonly<Record<string, unknown>>): { waitMs: number; includesOutput: boolean } {
  const { wait = '0', include } = query;
  if (typeof wait !== 'string' || !/^\d+(?:\.\d+)?$/.test(wait)) throw wrong('wait', 'a number of seconds');
  if (include !== undefined && include !== 'output') throw wrong('include', '"output"');
  return { waitMs: Math.min(Number(wait), MOST_WAIT_S) * 1_000, includesOutput: include === 'output' };
}

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
