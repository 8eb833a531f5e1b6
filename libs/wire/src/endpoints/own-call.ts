import { chatFormOf } from './chat-form.js';
import type { Endpoint } from './endpoints.js';
import type { AskedBody, ChatForm } from './presentation.js';

/** A call in its caller's own dialect, for deployments that speak it. */
export interface OwnCall {
  readonly endpoint: Endpoint;
  /** The body as the caller sent it, UTF-8, valid JSON. */
  readonly source: string;
  /** The same, parsed. Read only. */
  readonly body: AskedBody;
  /** What of it chat has no words for. */
  readonly unsaid: readonly string[];
  /** The caller's `anthropic-beta`. */
  readonly beta: string | undefined;
}

/** A body of an endpoint that runs as asked: itself, and in chat. */
export function readAsked(
  endpoint: Endpoint,
  source: string,
  beta: string | undefined,
): { source: string; body: ChatForm['body']; own: OwnCall } {
  const asked = JSON.parse(source) as AskedBody;
  const { body, unsaid } = chatFormOf(endpoint, asked);
  return { source: JSON.stringify(body), body, own: { endpoint, source, body: asked, unsaid, beta } };
}
