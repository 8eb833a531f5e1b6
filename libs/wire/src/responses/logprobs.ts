import { recordOf } from '../record-of.js';

type Json = Record<string, unknown>;

/** `logprobs.content` of a chat choice, which has the members that Responses wants. */
export function logprobsOf(value: unknown): Json[] {
  const { content } = recordOf(value) ?? {};
  return Array.isArray(content) ? content.flatMap(logprobOf) : [];
}

function logprobOf(value: unknown): Json[] {
  const entry = recordOf(value);
  if (entry === undefined) return [];
  const { token = '', bytes, logprob = 0, top_logprobs: top } = entry;
  return [{ token, bytes: bytes ?? [], logprob, top_logprobs: Array.isArray(top) ? top : [] }];
}
