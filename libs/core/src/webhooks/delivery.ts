import type { NoAnswer } from './after-delivery.js';
import type { WebhookEventType } from './event-types.js';

/** What is to be delivered: made once, and changed only when its job is erased (`erasedPlan`). */
export interface DeliveryPlan {
  /** `dlv_…` */
  readonly id: string;
  readonly tenant: string;
  readonly eventId: string;
  readonly type: WebhookEventType;
  /** Absent: the event is of no job. */
  readonly jobId?: string;
  /** Of an endpoint that was set up, with its secrets; absent: of a single job's callback. */
  readonly endpointId?: string;
  /** Where it goes; of an endpoint: where it went when the event came. */
  readonly url: string;
  /** Of a single job's callback, as kept: sealed where there is a key for it. */
  readonly secret?: string;
  /** The bytes that are signed and sent; empty: its job is erased, and nothing is sent any more. */
  readonly body: string;
}

export interface DeliveryTry {
  /** Unix ms. */
  readonly atMs: number;
  /** Null: there was no answer. */
  readonly statusCode: number | null;
  /** Null: delivered. `redirect`: it is not followed; `status`: any other than 2xx. */
  readonly error: NoAnswer | 'redirect' | 'status' | null;
}

export type DeliveryStatus = 'pending' | 'delivered' | 'failed';

/** A delivery as the store keeps it. */
export interface DeliveryRow {
  readonly plan: DeliveryPlan;
  readonly status: DeliveryStatus;
  /** Unix ms; null: no further try. */
  readonly nextAtMs: number | null;
  readonly tries: readonly DeliveryTry[];
  /** Raised with each change: an older one never replaces a newer. */
  readonly revision: number;
}

/** A receiver that was set up. */
export interface WebhookEndpoint {
  /** `we_…` */
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  /** Patterns; at least one. */
  readonly events: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: 'enabled' | 'disabled';
  /** Null: its owner wished it so, or it is enabled. */
  readonly disabledReason: DisabledReason | null;
  /** As kept: sealed where there is a key for it. The first signs; those with an end sign beside it until then. */
  readonly secrets: readonly KeptSecret[];
  /** Raised with each change. */
  readonly version: number;
  readonly createdAtMs: number;
}

/** `gone`: it answered 410. `no_success`: it took nothing for 72 hours. */
export type DisabledReason = 'gone' | 'no_success';

export interface KeptSecret {
  readonly sealed: string;
  /** Unix ms. */
  readonly untilMs?: number;
}
