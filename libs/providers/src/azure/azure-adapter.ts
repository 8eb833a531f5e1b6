import type { Deployment } from '@sluice/core';
import type { Adapter } from '../adapter.js';
import { withExtraHeaders } from '../extra-headers.js';
import { openaiChatBody } from '../openai/chat-request.js';
import { openaiAdapter } from '../openai/openai-adapter.js';

const ROUTE = '/chat/completions';
const DEFAULT_API_VERSION = '2025-02-01-preview';
const V1_VERSIONS = new Set(['v1', 'latest', 'preview']);

/** Azure OpenAI: OpenAI's bodies behind other addresses and headers. Source: WIRE.md 6. */
export const azureAdapter: Adapter = {
  ...openaiAdapter,
  request(call, deployment) {
    const { apiKey, azureAdToken, extraHeaders } = deployment.target;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: call.stream ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
    };
    if (azureAdToken !== undefined) headers['authorization'] = `Bearer ${azureAdToken}`;
    else if (apiKey !== undefined) headers['api-key'] = apiKey;
    return {
      method: 'POST',
      url: azureUrl(deployment),
      headers: withExtraHeaders(headers, extraHeaders),
      body: openaiChatBody(call, deployment),
    };
  },
};

/** v1 has one address for all models; the classic path names the deployment and wants a version. */
function azureUrl({ target: { baseUrl, apiVersion }, model }: Deployment): string {
  if (baseUrl.endsWith('/openai/v1')) return baseUrl + ROUTE;
  if (baseUrl.endsWith(`/openai/v1${ROUTE}`)) return baseUrl;
  if (apiVersion !== undefined && V1_VERSIONS.has(apiVersion) && !baseUrl.includes('/openai/deployments/')) {
    return `${baseUrl}/openai/v1${ROUTE}`;
  }
  const query = `?api-version=${encodeURIComponent(apiVersion ?? DEFAULT_API_VERSION)}`;
  // People paste the address as the portal shows it: with the deployment, the route, even the version.
  if (baseUrl.includes('?')) return baseUrl;
  if (baseUrl.endsWith(ROUTE)) return baseUrl + query;
  if (baseUrl.includes('/openai/deployments/')) return baseUrl + ROUTE + query;
  return `${baseUrl}/openai/deployments/${encodeURIComponent(model)}${ROUTE}${query}`;
}
