import { deliveryIdOf, type DeliveryPlan, type WebhookEventType } from '@sluice/core';
import { ERROR_CODES, type ErrorCode } from '@sluice/wire';
import { laneOf } from './delivery-queue.js';

/** Something that receivers may want to hear of. */
export interface WebhookEvent {
  /** `evt_…`: what is told again has the same id, and is delivered once. */
  readonly id: string;
  readonly type: WebhookEventType;
  readonly tenant: string;
  /** Unix ms. */
  readonly createdAtMs: number;
  readonly data: {
    /** Of the object that it is about. */
    readonly id: string;
    readonly status: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly error?: { readonly code: ErrorCode; readonly message: string; readonly param?: string };
  };
  /** The event is about a job, by this id. */
  readonly jobId?: string;
}

/** Where the creator of the object asked to be called; the tenant's endpoints hear of it beside. */
export type OwnReceiver =
  | { readonly endpointId: string }
  | { readonly url: string; readonly secret: string; readonly events?: readonly string[] };

/** What is sent: ids and states. Who wants more asks for it with a key. */
export function bodyOf({ id, type, createdAtMs, data }: WebhookEvent): string {
  const { error } = data;
  return JSON.stringify({
    object: 'event',
    id,
    type,
    created_at: Math.floor(createdAtMs / 1_000),
    data: {
      id: data.id,
      status: data.status,
      metadata: data.metadata,
      error:
        error === undefined
          ? null
          : {
              message: error.message,
              type: ERROR_CODES[error.code].type,
              param: error.param ?? null,
              code: error.code,
            },
    },
  });
}

/** @param receiver an endpoint, or a URL with its secret as kept */
export function planOf(
  event: WebhookEvent,
  receiver: { endpointId: string; url: string } | { url: string; secret: string },
): DeliveryPlan {
  const { id: eventId, type, tenant, jobId } = event;
  const plan = { tenant, eventId, type, ...(jobId === undefined ? {} : { jobId }), ...receiver, body: bodyOf(event) };
  return { id: deliveryIdOf(eventId, laneOf({ ...plan, id: '' })), ...plan };
}
