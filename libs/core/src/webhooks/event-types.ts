/** What endpoints may subscribe to. `ping` comes when asked for, whatever is subscribed. */
export const WEBHOOK_EVENT_TYPES = [
  'job.completed',
  'job.failed',
  'job.cancelled',
  'job.expired',
  'batch.completed',
  'batch.failed',
  'batch.cancelled',
  'batch.expired',
  'response.completed',
  'response.failed',
  'response.cancelled',
  'response.incomplete',
  'webhook_endpoint.disabled',
] as const;

export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number] | 'ping';

/** `*`, `job.*`, or the type itself. */
export function matchesEvents(patterns: readonly string[], type: string): boolean {
  const family = `${type.slice(0, type.indexOf('.'))}.*`;
  return patterns.some((pattern) => pattern === '*' || pattern === type || pattern === family);
}

/** Whether a pattern can ever match something. */
export const isEventPattern = (pattern: unknown): pattern is string =>
  typeof pattern === 'string' && WEBHOOK_EVENT_TYPES.some((type) => matchesEvents([pattern], type));
