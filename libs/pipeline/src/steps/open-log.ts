import type { JobRelay } from '@sluice/stream';
import type { LifeEvent } from '@sluice/wire';
import { AttemptLog, newLog, type KeptLog } from '../attempt-log.js';
import type { InferenceJob } from '../inference-job.js';
import type { RunDeps } from '../run-deps.js';
import { addTold, lostAttempts, nothingTold } from './told-so-far.js';

/**
 * The log of a durable job at the beginning of a run, and whether content of it is out. An earlier run that was lost told
 * more than it wrote down: what it told stands in the job's stream, and is read from there.
 */
export async function openLog(
  { kind }: NonNullable<InferenceJob['durable']>,
  { jobId, group }: InferenceJob,
  lastSeq: number,
  kept: KeptLog | undefined,
  relay: JobRelay,
  deps: Pick<RunDeps, 'frames' | 'models' | 'nowMs'>,
): Promise<{ log: AttemptLog; hasContent: boolean }> {
  const told = nothingTold();
  if (lastSeq > 0) await deps.frames.replay(group, jobId, (frame) => addTold(told, frame));
  const tell = kind === 'batch' ? undefined : tellBy(relay);
  const log = new AttemptLog(jobId, kept ?? newLog(), tell, told.isWaiting);
  const nowMs = deps.nowMs();
  const lost = lostAttempts(jobId, told, (number) => log.has(number), (id) => deps.models.deployments.get(id), nowMs); // prettier-ignore
  for (const { attempt, isTold } of lost) log.lost(attempt, isTold, nowMs);
  return { log, hasContent: told.hasContent };
}

/** Nobody waits for it: what is refused is told by the next push. */
const tellBy =
  (relay: JobRelay) =>
  (event: LifeEvent): void => {
    const asking = event.type === 'job.attempt_started' ? `${event.attempt} ${event.deployment}` : undefined;
    void relay.tell(JSON.stringify(event), asking).catch(() => undefined);
  };
