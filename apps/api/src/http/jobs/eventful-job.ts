import type { InferenceJob } from '@sluice/pipeline';
import { presentationOf, type AskedBody, type DurableJob, type EventfulJob } from '@sluice/wire';
import type { FoundJob } from './job-finder.js';

/** What a job's record says of its events. */
export interface EventfulRecord extends EventfulJob {
  group: string;
  /** Its answer comes in chunks. */
  isStream: boolean;
  /** A state that is not `queued` or `running`. */
  isOver: boolean;
  /** Last seq of its frames. */
  lastFrameSeq: number;
}

/** @param readAsked the submitter's body; undefined: it is not kept (any more) */
export async function eventfulRecord(
  { jobId, group, snapshot }: FoundJob,
  readAsked: () => Promise<Buffer | undefined>,
): Promise<EventfulRecord> {
  const job = JSON.parse(snapshot.job) as InferenceJob;
  const durable = snapshot.durable === undefined ? undefined : (JSON.parse(snapshot.durable) as DurableJob);
  const common = {
    jobId,
    group,
    createdAtMs: durable?.createdAtMs ?? job.acceptedAtMs,
    isStream: job.stream,
    isOver: snapshot.outcome !== undefined,
    lastFrameSeq: snapshot.seq,
    isDurable: durable !== undefined,
    notBeforeMs: durable?.notBeforeMs,
  };
  if (durable === undefined || durable.endpoint === CHAT || !job.stream) return common;
  const presentation = presentationOf(durable.endpoint);
  if (presentation === undefined) return common;
  const { model, createdAtMs } = durable;
  const bytes = await readAsked();
  const asked: AskedBody = bytes === undefined ? { model } : (JSON.parse(bytes.toString()) as AskedBody);
  return { ...common, newFold: () => presentation.events(asked, { jobId, createdAtMs, model }) };
}

/** Its chunks are the events of the stream as they stand. */
const CHAT = '/v1/chat/completions';
