import type { InferenceJob } from '@sluice/pipeline';
import type { JobSnapshot } from '@sluice/queue';
import type { HistoricJob } from '@sluice/store';
import type { DurableJob, Outcome } from '@sluice/wire';

/** Said of a job that is neither in its record nor over in the history, when the history has caught up. */
const LOST: Outcome = {
  state: 'failed',
  error: { code: 'internal_error', message: 'The job was lost with what Redis held of it. Submit it again.' },
};

/**
 * A job whose record is gone, as far as the history knows it: what a record would say, without bodies.
 * @param hasCaughtUp absent ends would be here by now
 */
export function historicSnapshot({ durable, end, isDismissed }: HistoricJob, hasCaughtUp: boolean): JobSnapshot {
  const { model, createdAtMs, deadlineMs } = JSON.parse(durable) as DurableJob;
  const job: Pick<InferenceJob, 'model' | 'acceptedAtMs' | 'deadlineMs'> = {
    model,
    acceptedAtMs: createdAtMs,
    deadlineMs,
  };
  return {
    state: end?.status ?? (hasCaughtUp ? LOST.state : 'queued'),
    job: JSON.stringify(job),
    durable,
    line: '',
    seq: 0,
    isCancelling: false,
    isDismissed,
    startedAtMs: end?.startedAtMs,
    finishedAtMs: end?.finishedAtMs,
    attempts: end?.attempts ?? 0,
    progress: undefined,
    asking: undefined,
    outcome: end?.outcome ?? (hasCaughtUp ? JSON.stringify(LOST) : undefined),
    retriedAs: end?.retriedAs,
  };
}
