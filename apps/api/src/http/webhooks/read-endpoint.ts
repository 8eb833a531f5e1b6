import type { AddressRules } from '@sluice/webhooks';
import { apiError } from '../api-error.js';
import { storableMetadataOf } from '../jobs/create-members.js';
import { checkEvents, checkUrl } from './check-receiver.js';

export interface EndpointChange {
  url?: string;
  events?: string[];
  metadata?: Record<string, string>;
  status?: 'enabled' | 'disabled';
}

const MEMBERS = new Set(['url', 'events', 'metadata', 'status']);

/** Members of a body that creates or changes an endpoint; those that are left out or null stay as they are. @throws 400 */
export function readEndpoint(body: unknown, rules: AddressRules): EndpointChange {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw apiError('invalid_request', 'The body must be a JSON object.');
  }
  const { url, events, metadata, status, ...others } = body as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    const known = [...MEMBERS].join(', ');
    throw apiError(
      'invalid_request',
      `There is no member "${other.slice(0, 100)}"; there are ${known}.`,
      other.slice(0, 100),
    );
  }
  const change: EndpointChange = {};
  if (!isAbsent(url)) {
    checkUrl(url, rules, 'url');
    change.url = url;
  }
  if (!isAbsent(events)) {
    checkEvents(events, 'events');
    change.events = events;
  }
  if (!isAbsent(metadata)) {
    change.metadata = storableMetadataOf(metadata);
  }
  if (!isAbsent(status)) {
    if (status !== 'enabled' && status !== 'disabled') {
      throw apiError('invalid_request', 'status must be enabled or disabled.', 'status');
    }
    change.status = status;
  }
  return change;
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
