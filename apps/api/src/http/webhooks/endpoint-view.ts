import type { WebhookEndpoint } from '@sluice/core';

export interface EndpointView {
  id: string;
  object: 'webhook_endpoint';
  url: string;
  events: readonly string[];
  metadata: Readonly<Record<string, string>>;
  status: 'enabled' | 'disabled';
  disabled_reason: string | null;
  created_at: number;
}

/** Without its secrets: they are shown when they are made. */
export function endpointView(endpoint: WebhookEndpoint): EndpointView {
  const { id, url, events, metadata, status, disabledReason, createdAtMs } = endpoint;
  return {
    id,
    object: 'webhook_endpoint',
    url,
    events,
    metadata,
    status,
    disabled_reason: disabledReason,
    created_at: Math.floor(createdAtMs / 1_000),
  };
}
