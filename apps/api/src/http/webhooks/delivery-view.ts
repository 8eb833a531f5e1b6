import { timeOfId, type DeliveryRow } from '@sluice/core';

export interface DeliveryView {
  id: string;
  object: 'webhook_delivery';
  event_id: string;
  type: string;
  endpoint_id: string | null;
  job_id: string | null;
  url: string;
  status: 'pending' | 'delivered' | 'failed';
  created_at: number;
  next_attempt_at: number | null;
  attempts: { at: number; status_code: number | null; error: string | null }[];
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);

export function deliveryView({ plan, status, nextAtMs, tries }: DeliveryRow): DeliveryView {
  return {
    id: plan.id,
    object: 'webhook_delivery',
    event_id: plan.eventId,
    type: plan.type,
    endpoint_id: plan.endpointId ?? null,
    job_id: plan.jobId ?? null,
    url: plan.url,
    status,
    created_at: seconds(timeOfId(plan.id)),
    next_attempt_at: nextAtMs === null ? null : seconds(nextAtMs),
    attempts: tries.map(({ atMs, statusCode, error }) => ({ at: seconds(atMs), status_code: statusCode, error })),
  };
}
