import type { FailedAttempt, Reply } from './adapter.js';
import { malformed } from './classify-failure.js';
import { recordOf } from './provider-error.js';

/** A reply's text and what it says, or that it says nothing of use. */
export function readJsonReply({
  body,
  headers,
}: Reply): { source: string; json: Record<string, unknown> } | FailedAttempt {
  const source = body.toString('utf8');
  let json: Record<string, unknown> | undefined;
  try {
    json = recordOf(JSON.parse(source));
  } catch {
    return malformed('The provider answered with something that is not JSON', headers);
  }
  if (json === undefined) return malformed('The provider answered with JSON that is not an object', headers);
  return { source, json };
}
