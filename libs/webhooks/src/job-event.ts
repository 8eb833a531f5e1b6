import { eventIdOf, type WebhookEventType } from '@sluice/core';
import type { DurableJob, LedgerFields, Outcome, TerminalState } from '@sluice/wire';
import type { OwnReceiver, WebhookEvent } from './webhook-event.js';

/**
 * What receivers hear of a ledger's entry; undefined: nothing. Lines of a batch are not told one by one: the batch is, when
 * it is over.
 * @param isIncomplete of a completed background response: it was cut at its limit of tokens
 */
export function eventOfJob(
  fields: LedgerFields,
  isIncomplete: boolean,
): { event: WebhookEvent; own: OwnReceiver | undefined } | undefined {
  if (fields.t !== 'over') return undefined;
  const durable = JSON.parse(fields.d) as DurableJob;
  if (durable.kind === 'batch') return undefined;
  const state = fields.s as TerminalState;
  const outcome = JSON.parse(fields.o || '{}') as Partial<Outcome>;
  const { type, id, status } =
    durable.kind === 'background' ? asResponse(fields.j, state, isIncomplete) : asJob(fields.j, state);
  const { error } = outcome;
  const event: WebhookEvent = {
    id: eventIdOf(fields.j),
    type,
    tenant: durable.tenant,
    createdAtMs: Number(fields.f),
    data: { id, status, metadata: durable.metadata, ...(error === undefined ? {} : { error }) },
    jobId: fields.j,
  };
  return { event, own: durable.webhook };
}

interface Told {
  type: WebhookEventType;
  id: string;
  status: string;
}

const asJob = (id: string, state: TerminalState): Told => ({ type: `job.${state}`, id, status: state });

/** Responses know no expiry: that is a failure (API.md 2). */
function asResponse(jobId: string, state: TerminalState, isIncomplete: boolean): Told {
  const status = state === 'completed' ? (isIncomplete ? 'incomplete' : state) : state === 'expired' ? 'failed' : state;
  return { type: `response.${status}`, id: `resp_${jobId.slice(4)}`, status };
}
