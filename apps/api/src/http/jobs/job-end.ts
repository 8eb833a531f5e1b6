import type { JobRecords } from '@sluice/queue';
import type { Outcome } from '@sluice/wire';
import type { EventfulRecord } from './eventful-job.js';
import type { KnownEnd } from './events-reply.js';

/** How a job ended, for the last of its events. Of a plain stream the result is what ends it. Undefined: its record is gone. */
export async function readJobEnd(
  { group, jobId, isDurable, isStream, createdAtMs }: EventfulRecord,
  records: Pick<JobRecords, 'read' | 'look'>,
): Promise<KnownEnd | undefined> {
  const record = await records.read(group, jobId);
  if (record?.outcome === undefined) return undefined;
  const outcome = JSON.parse(record.outcome) as Outcome;
  const end = { outcome, finishedAtMs: record.finishedAtMs ?? outcome.atMs ?? createdAtMs, lastFrameSeq: record.seq };
  if (!isStream || outcome.state !== 'completed') return end;
  if (isDurable || outcome.tail !== undefined) return { ...end, tail: outcome.tail };
  return { ...end, tail: (await records.look(group, jobId))?.result?.toString() };
}
