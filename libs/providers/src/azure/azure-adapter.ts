import type { Deployment } from '@sluice/core';
import type { Adapter } from '../adapter.js';
import { withExtraHeaders } from '../extra-headers.js';
import { openaiAdapter, openaiBodyOf, openaiRouteOf } from '../openai/openai-adapter.js';

const CHAT_ROUTE = '/chat/completions';
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
      url: azureUrl(deployment, openaiRouteOf(call, deployment)),
      headers: withExtraHeaders(headers, extraHeaders),
      body: openaiBodyOf(call, deployment),
    };
  },
};

/** v1 has one address for all models; the classic path names the deployment and wants a version. */
function azureUrl({ target: { baseUrl: written, apiVersion }, model }: Deployment, route: string): string {
  // People paste the address as the portal shows it: with the deployment, the route, even the version.
  const baseUrl = written.replace(CHAT_ROUTE, route);
  if (baseUrl.endsWith('/openai/v1')) return baseUrl + route;
  if (baseUrl.endsWith(`/openai/v1${route}`)) return baseUrl;
  if (apiVersion !== undefined && V1_VERSIONS.has(apiVersion) && !baseUrl.includes('/openai/deployments/')) {
    return `${baseUrl}/openai/v1${route}`;
  }
  const query = `?api-version=${encodeURIComponent(apiVersion ?? DEFAULT_API_VERSION)}`;
  if (baseUrl.includes('?')) return baseUrl;
  if (baseUrl.endsWith(route)) return baseUrl + query;
  if (baseUrl.includes('/openai/deployments/')) return baseUrl + route + query;
  return `${baseUrl}/openai/deployments/${encodeURIComponent(model)}${route}${query}`;
}
