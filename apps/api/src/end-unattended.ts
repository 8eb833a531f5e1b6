import { noWorker } from '@sluice/pipeline';
import type { JobRecords } from '@sluice/queue';
import { terminalFrame, type LookAtRecord } from '@sluice/stream';
import type { ApiError, Outcome } from '@sluice/wire';

/**
 * A call that was accepted and has lost its last worker since: nobody can be expected to run it. When no worker of its
 * group has been there for `outageWaitMs`, its caller is told, as a new one would be at once, and the job is cancelled: a
 * worker that comes later must not serve a call that its caller repeats. In silence only: a look costs what it costs.
 */
export function endUnattended(
  look: LookAtRecord,
  { records, group, outageWaitMs, nowMs }: UnattendedDeps,
): LookAtRecord {
  let sinceMs: number | undefined;

  return async (jobId, fromSeq) => {
    const looked = await look(jobId, fromSeq);
    if (looked === undefined || looked.terminal !== undefined) return looked;
    const now = nowMs();
    if (await records.isAttended(group, jobId, now)) sinceMs = undefined;
    else sinceMs ??= now;
    if (sinceMs === undefined || now - sinceMs < outageWaitMs) return looked;

    const lastSeq = Math.max(fromSeq - 1, ...looked.frames.map(({ firstSeq, count }) => firstSeq + count - 1));
    const outcome: Outcome = { state: 'failed', error: lastSeq === 0 ? noWorker(group) : INTERRUPTED };
    const cancelled = await records.cancel(group, jobId, JSON.stringify(outcome));
    if (cancelled === 'over' || cancelled === 'gone') return looked; // the next look finds how
    return { ...looked, terminal: terminalFrame(jobId, lastSeq, JSON.stringify(outcome), undefined) };
  };
}

export interface UnattendedDeps {
  records: Pick<JobRecords, 'isAttended' | 'cancel'>;
  group: string;
  outageWaitMs: number;
  /** Redis TIME. */
  nowMs: () => number;
}

const INTERRUPTED: ApiError = {
  code: 'upstream_interrupted',
  message: 'The stream was interrupted: the worker that ran it was lost after the first tokens, and no other is there.',
};
