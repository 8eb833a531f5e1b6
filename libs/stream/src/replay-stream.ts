import { readFrame, type Frame } from '@sluice/wire';
import type { Redis } from 'ioredis';

const PAGE = 1_000;
const keyOf = (group: string, jobId: string): string => `{sluice:${group}}:stream:${jobId}`;

/** The frames of a job are kept: they go sooner than its record. */
export const hasStream = async (redis: Redis, group: string, jobId: string): Promise<boolean> =>
  (await redis.exists(keyOf(group, jobId))) === 1;

/** The kept frames of a job that begin with `fromSeq` or later, in order. */
export async function replayStream(redis: Redis, group: string, jobId: string, fromSeq: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of framesFrom(redis, group, jobId, fromSeq)) frames.push(frame);
  return frames;
}

/** The same, read a page at a time: who needs them once need not hold them all. */
export async function* framesFrom(redis: Redis, group: string, jobId: string, fromSeq: number): AsyncGenerator<Frame> {
  const key = keyOf(group, jobId);
  let start = `${fromSeq}-0`;
  for (;;) {
    const page = await redis.xrangeBuffer(key, start, '+', 'COUNT', PAGE);
    for (const [id, [, bytes]] of page) {
      start = `(${id.toString('latin1')}`;
      const frame = readFrame(bytes!);
      if (frame !== undefined) yield frame;
    }
    if (page.length < PAGE) return;
  }
}

/**
 * Some of a job's kept frames, in order, for a reader that begins anywhere: the first may begin before `fromSeq`, when it
 * holds it. Fewer than asked for: there were no more then.
 */
export async function replayPage(
  redis: Redis,
  group: string,
  jobId: string,
  { fromSeq, most }: { fromSeq: number; most: number },
): Promise<Frame[]> {
  const key = keyOf(group, jobId);
  const [holding, after] = await Promise.all([
    redis.xrevrangeBuffer(key, `${fromSeq}-0`, '-', 'COUNT', 1),
    redis.xrangeBuffer(key, `(${fromSeq}-0`, '+', 'COUNT', most - 1),
  ]);
  const frames: Frame[] = [];
  for (const [, [, bytes]] of [...holding, ...after]) {
    const frame = readFrame(bytes!);
    if (frame !== undefined && frame.firstSeq + frame.count > fromSeq) frames.push(frame);
  }
  return frames;
}
