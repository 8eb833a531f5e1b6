import { readFrame, type Frame } from '@sluice/wire';
import type { Redis } from 'ioredis';

const PAGE = 1_000;

/** The kept frames of a job that hold `fromSeq` or later, in order. Frames hold whole flushes: the first may begin earlier. */
export async function replayStream(redis: Redis, group: string, jobId: string, fromSeq: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of framesFrom(redis, group, jobId, fromSeq)) frames.push(frame);
  return frames;
}

/** The same, read a page at a time: who needs them once need not hold them all. */
export async function* framesFrom(redis: Redis, group: string, jobId: string, fromSeq: number): AsyncGenerator<Frame> {
  const key = `{sluice:${group}}:stream:${jobId}`;
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
