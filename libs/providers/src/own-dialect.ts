import type { Deployment } from '@sluice/core';
import type { Endpoint, OwnCall } from '@sluice/wire';
import type { Call } from './adapter.js';

/** Dialects beside chat that a provider's servers speak. */
const SPOKEN: Readonly<Record<Deployment['provider'], ReadonlySet<Endpoint>>> = {
  openai: new Set<Endpoint>(['/v1/completions', '/v1/embeddings', '/v1/moderations']),
  azure: new Set<Endpoint>(['/v1/completions', '/v1/embeddings', '/v1/moderations']),
  anthropic: new Set<Endpoint>(['/v1/messages']),
};
/** What nobody can answer in a chat. */
const NEVER_CHAT: ReadonlySet<Endpoint> = new Set<Endpoint>(['/v1/embeddings', '/v1/moderations']);

/** The call as it goes to this deployment in the client's own dialect; undefined: it is asked in chat. */
export function ownCallFor({ own, inChat }: Call, { provider }: Deployment): OwnCall | undefined {
  return own !== undefined && inChat !== true && SPOKEN[provider].has(own.endpoint) ? own : undefined;
}

/** What of a call in another dialect a deployment cannot serve that is asked in chat; its endpoint, when it is all of it. */
export function unsaidFor(call: Call, deployment: Deployment): readonly string[] {
  const { own } = call;
  if (own === undefined || ownCallFor(call, deployment) !== undefined) return [];
  if (NEVER_CHAT.has(own.endpoint)) return [own.endpoint];
  return deployment.target.dropParams ? [] : own.unsaid;
}
