import { framesFrom } from '@sluice/stream';
import { addDelivered, lifeEventsOf, nothingDelivered, readPayload } from '@sluice/wire';
import type { JobRecords } from '@sluice/queue';
import type { Redis } from 'ioredis';
import type { FoundJob } from './job-finder.js';

/** The text of a job's first choice as far as it is known; null: it has none, or none is kept. */
export async function outputSoFar(
  redis: Redis,
  records: Pick<JobRecords, 'look'>,
  { jobId, group, snapshot }: FoundJob,
): Promise<string | null> {
  let delivered = nothingDelivered();
  if (snapshot.seq > 0) {
    for await (const { kind, payload } of framesFrom(redis, group, jobId, 1)) {
      if (kind === 'events') addDelivered(delivered, payload.toString());
      else if (kind === 'head') addDelivered(delivered, readPayload(payload).rest.toString());
      else if (lifeEventsOf(payload).some(({ type }) => type === 'job.output_reset')) delivered = nothingDelivered();
    }
  }
  if (delivered.text !== '') return delivered.text;
  const result = snapshot.outcome === undefined ? undefined : (await records.look(group, jobId))?.result;
  return result === undefined ? null : textOf(result);
}

function textOf(result: Buffer): string | null {
  if (result[0] !== 0x7b) return null; // the end of a stream: its text was in the stream
  const { choices } = JSON.parse(result.toString()) as { choices?: { message?: { content?: unknown } }[] };
  const content = choices?.[0]?.message?.content;
  return typeof content === 'string' ? content : null;
}
