import { eventIdOf, type WebhookEventType } from '@sluice/core';
import type { LedgerEntry, TerminalState } from '@sluice/wire';
import type { PublishedEvent } from './event-publisher.js';

export type JobOver = Extract<LedgerEntry, { type: 'over' }>;

/**
 * What receivers hear of the end of a job; undefined: nothing. Lines of a batch are not told one by one: the batch is, when
 * it is over.
 */
export function eventOfJob(over: JobOver): PublishedEvent | undefined {
  const { jobId, state, outcome, durable, finishedAtMs } = over;
  if (durable.kind === 'batch') return undefined;
  const told = durable.kind === 'background' ? asResponse(jobId, state, outcome.finish) : asJob(jobId, state);
  const { type, id, status } = told;
  const { tenant, metadata, webhook: own } = durable;
  const data = { id, status, metadata, ...(outcome.error === undefined ? {} : { error: outcome.error }) };
  return { event: { id: eventIdOf(jobId), type, tenant, createdAtMs: finishedAtMs, data, jobId }, own };
}

interface Told {
  type: WebhookEventType;
  id: string;
  status: string;
}

const asJob = (id: string, state: TerminalState): Told => ({ type: `job.${state}`, id, status: state });

/** Responses know no expiry: that is a failure (API.md 2); an answer that was cut at its limit, or by a filter, is incomplete. */
function asResponse(jobId: string, state: TerminalState, finish: string | undefined): Told {
  const isIncomplete = finish === 'length' || finish === 'content_filter';
  const status = state === 'completed' ? (isIncomplete ? 'incomplete' : state) : state === 'expired' ? 'failed' : state;
  return { type: `response.${status}`, id: `resp_${jobId.slice(4)}`, status };
}
