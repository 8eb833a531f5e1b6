import { hasWaitedOut } from '@sluice/core';
import { allOut, noWorker } from '@sluice/pipeline';
import type { JobRecords } from '@sluice/queue';
import { terminalFrame, type LookAtRecord } from '@sluice/stream';
import type { ApiError, Outcome } from '@sluice/wire';

/** It is probed every two seconds while it is out. */
const RETRY_OUTAGE_MS = 2_000;

/**
 * A call that was accepted and that nobody can be expected to run in its time. Its caller is told, as a new one would be,
 * and the job is cancelled: a worker that comes later must not serve a call that its caller repeats. In silence only: a look
 * costs what it costs.
 *
 * - No worker of its group has been there for `outageWaitMs`.
 * - All its deployments have been out for so long, and it stands behind jobs that wait for their return: no worker has begun
 *   it, and so none counts its time.
 */
export function endUnattended(
  look: LookAtRecord,
  { records, group, outageWaitMs, nowMs }: UnattendedDeps,
): LookAtRecord {
  const acceptedAtMs = nowMs();
  let aloneSinceMs: number | undefined;

  /** @param hasContent its first tokens are out */
  const whyGivenUp = async (jobId: string, hasContent: boolean): Promise<ApiError | undefined> => {
    const now = nowMs();
    const { isAttended, outage } = await records.hopeFor(group, jobId, now);
    if (isAttended) aloneSinceMs = undefined;
    else aloneSinceMs ??= now;
    if (aloneSinceMs !== undefined && now - aloneSinceMs >= outageWaitMs) {
      return hasContent ? INTERRUPTED : noWorker(group);
    }
    return hasWaitedOut(outage, { acceptedAtMs, outageWaitMs }, now) && !hasContent
      ? allOut(RETRY_OUTAGE_MS)
      : undefined;
  };

  return async (jobId, fromSeq) => {
    const looked = await look(jobId, fromSeq);
    if (looked === undefined || looked.terminal !== undefined) return looked;
    const lastSeq = Math.max(fromSeq - 1, ...looked.frames.map(({ firstSeq, count }) => firstSeq + count - 1));
    const error = await whyGivenUp(jobId, lastSeq > 0);
    if (error === undefined) return looked;
    const outcome: Outcome = { state: 'failed', error };
    const cancelled = await records.cancel(group, jobId, JSON.stringify(outcome));
    if (cancelled === 'over' || cancelled === 'gone') return looked; // the next look finds how
    if (cancelled === 'cancelled') await records.onDisk.ended(group, jobId, JSON.stringify(outcome));
    return { ...looked, terminal: terminalFrame(jobId, lastSeq, JSON.stringify(outcome), undefined) };
  };
}

export interface UnattendedDeps {
  records: Pick<JobRecords, 'hopeFor' | 'cancel' | 'onDisk'>;
  group: string;
  outageWaitMs: number;
  /** Redis TIME. */
  nowMs: () => number;
}

const INTERRUPTED: ApiError = {
  code: 'upstream_interrupted',
  message: 'The stream was interrupted: the worker that ran it was lost after the first tokens, and no other is there.',
};
