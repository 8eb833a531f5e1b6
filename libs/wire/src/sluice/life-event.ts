import type { AttemptError } from './attempt.js';

/**
 * What becomes of a durable job beside its answer: kept and sent as lines of `life` frames, between the frames of the answer
 * and numbered with them. How it began and how it ended stand in its record.
 */
export type LifeEvent = { at_ms: number } & (
  | { type: 'job.queued' }
  | { type: 'job.delayed'; not_before: number; reason: 'no_capacity' }
  | { type: 'job.attempt_started'; attempt: number; deployment: string }
  | { type: 'job.attempt_failed'; attempt: number; error: AttemptError }
  /** What was sent of the answer is void: it comes anew, and whole. */
  | { type: 'job.output_reset'; attempt: number }
);

/** @param payload of a `life` frame */
export const lifeEventsOf = (payload: Buffer): LifeEvent[] =>
  payload
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LifeEvent);
