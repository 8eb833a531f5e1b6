/** A key is remembered for so long; longer where its job may take longer. */
export const REMEMBERED_MS = 86_400_000;
/** After the latest time at which its job can be over: who was told of the end may still ask again. */
const AFTER_END_MS = 660_000;

/** How long a claim is kept. @param jobTakesMs from now to the job's deadline */
export const claimKeptMs = (jobTakesMs: number): number => Math.max(REMEMBERED_MS, jobTakesMs + AFTER_END_MS);

/** What is known of a claimed job. */
export interface MetJob {
  state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expired';
  /** It failed with a code that a repeat may mend. */
  isStarred: boolean;
}

export type Meeting =
  /** Nobody has made it yet. */
  | 'make'
  /** What it says, or will say, is the answer. */
  | 'share'
  /** It ended without an answer that is worth repeating: another takes its place. */
  | 'replace'
  /** It was there and its answer is gone: deleted, or kept no longer. Made anew it would be paid for twice. */
  | 'gone';

/**
 * A caller meets a job that another call with the same key, or the same call before, has claimed.
 * @param isObject it asked for the job itself (`POST /v1/jobs`), which stands as it is however it ended; not for its answer
 */
export function meetJob(
  claim: { isDone: boolean; ageMs: number },
  job: MetJob | undefined,
  isObject: boolean,
): Meeting {
  if (job === undefined) {
    if (!claim.isDone) return 'make';
    return claim.ageMs < REMEMBERED_MS ? 'gone' : 'replace';
  }
  if (isObject) return 'share';
  switch (job.state) {
    case 'queued':
    case 'running':
    case 'completed':
      return 'share';
    case 'failed':
      return job.isStarred ? 'replace' : 'share';
    case 'cancelled':
    case 'expired':
      return 'replace';
  }
}
