import type { Deployment } from '@sluice/core';
import { lifeEventsOf, newAttempt, type Attempt, type AttemptError, type Frame, type LifeEvent } from '@sluice/wire';

/** What who follows a durable job has been told of it so far, by this and earlier runs. */
export interface ToldSoFar {
  /** Content of the answer is out and was not taken back. */
  hasContent: boolean;
  isWaiting: boolean;
  /** Attempts that were begun, with how they ended where that was told. */
  attempts: Map<number, { deployment: string; startedMs: number; failed?: { error: AttemptError; atMs: number } }>;
}

export const nothingTold = (): ToldSoFar => ({ hasContent: false, isWaiting: false, attempts: new Map() });

/** @param frame the next of the job's stream */
export function addTold(told: ToldSoFar, { kind, payload }: Frame): void {
  if (kind === 'head' || kind === 'events') told.hasContent = true;
  if (kind === 'life') for (const event of lifeEventsOf(payload)) addLife(told, event);
}

function addLife(told: ToldSoFar, event: LifeEvent): void {
  switch (event.type) {
    case 'job.queued':
    case 'job.delayed':
      told.isWaiting = true;
      break;
    case 'job.attempt_started': {
      const { attempt, deployment, at_ms: startedMs } = event;
      told.isWaiting = false;
      told.attempts.set(attempt, { deployment, startedMs });
      break;
    }
    case 'job.attempt_failed': {
      const begun = told.attempts.get(event.attempt);
      if (begun !== undefined) begun.failed = { error: event.error, atMs: event.at_ms };
      break;
    }
    case 'job.output_reset':
      told.hasContent = false;
  }
}

const CRASHED: AttemptError = {
  kind: 'crashed',
  code: 'internal_error',
  message: 'The worker that ran it was lost.',
  http_status: null,
};

/** Attempts that were told of and stand nowhere else: their worker was lost before it wrote down how they ended. */
export function lostAttempts(
  jobId: string,
  told: ToldSoFar,
  isKept: (number: number) => boolean,
  deploymentOf: (id: string) => Pick<Deployment, 'provider' | 'model'> | undefined,
  nowMs: number,
): { attempt: Attempt; isTold: boolean }[] {
  return [...told.attempts]
    .filter(([number]) => !isKept(number))
    .map(([number, { deployment, startedMs, failed: { error, atMs } = { error: CRASHED, atMs: nowMs } }]) => ({
      isTold: error !== CRASHED,
      attempt: {
        ...newAttempt(jobId, number, deployment, startedMs),
        provider: deploymentOf(deployment)?.provider ?? null,
        model: deploymentOf(deployment)?.model ?? null,
        finished_at: Math.floor(atMs / 1_000),
        outcome: error.kind === CRASHED.kind ? ('crashed' as const) : ('failed' as const),
        error,
      },
    }));
}
