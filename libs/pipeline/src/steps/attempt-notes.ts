import { costUsdNanos, latencySampleOf, type LeaseNote } from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';
import type { Attempt } from './attempt.js';
import type { Dispatched } from './dispatch.js';

/**
 * What strategies and budgets want remembered of an attempt, failed ones included: what a provider bills for an answer that
 * broke off is spent. They travel with the settle; most calls have none.
 * @param isBlameless it says nothing about the deployment
 */
export function attemptNotes(
  { job }: Run,
  { deployment, strategy }: Dispatched,
  attempt: Attempt,
  isBlameless: boolean,
  { budgets }: RunDeps,
): LeaseNote[] {
  const { usage, durationMs, firstContentMs } = attempt;
  const notes: LeaseNote[] = [];
  if (!isBlameless) {
    const failure = attempt.kind === 'failed' ? attempt.failure.kind : undefined;
    const timed = { stream: job.stream, durationMs, firstContentMs, completionTokens: usage?.completion, failure };
    const sample = latencySampleOf(timed, strategy);
    if (sample !== undefined) notes.push(sample);
  }
  if (usage !== undefined && deployment.prices !== undefined) {
    notes.push(...budgets.notesFor(deployment.id, costUsdNanos(deployment.prices, usage)));
  }
  return notes;
}
