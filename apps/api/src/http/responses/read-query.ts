import { apiError } from '../api-error.js';

type Query = Readonly<Record<string, unknown>>;

/**
 * `?stream=true&starting_after=N` of `GET /v1/responses/ID`; undefined: the response itself is asked for. `include` may name
 * what it wants: all that there is is in it.
 * @throws 400 invalid_request
 */
export function readReplay({ stream, starting_after: after }: Query): { startingAfter?: number } | undefined {
  if (stream !== undefined && stream !== 'true' && stream !== 'false') throw wrong('stream', 'true or false');
  if (after !== undefined && (typeof after !== 'string' || !/^\d{1,15}$/.test(after))) {
    throw wrong('starting_after', 'the sequence_number of an event');
  }
  if (stream === 'true') return after === undefined ? {} : { startingAfter: Number(after) };
  if (after !== undefined) throw wrong('starting_after', 'sent with stream=true');
  return undefined;
}

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
