import { frameHead, type Frame, type FrameKind } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { framesFrom } from './replay-stream.js';
import relayFrames from './scripts/relay-frames.lua';

type Verdict = 'go' | 'stale' | 'cancelled';

/** A job that never ends leaves its stream behind for a day at the most. */
const FORGOTTEN_MS = 86_400_000;

/** The worker's end: writes frames to the job's stream and to who follows it. */
export class FrameRelay {
  private readonly relayFrames: (...args: (string | number | Buffer)[]) => Promise<Verdict>;

  constructor(private readonly redis: Redis) {
    redis.defineCommand('sluiceRelayFrames', { numberOfKeys: 2, lua: relayFrames });
    const commands = redis as unknown as Record<string, (...args: (string | number | Buffer)[]) => Promise<Verdict>>;
    this.relayFrames = (...args) => commands['sluiceRelayFrames']!.apply(redis, args);
  }

  /** All that was sent of a job so far, a frame at a time. */
  async replay(group: string, jobId: string, read: (frame: Frame) => void): Promise<void> {
    for await (const frame of framesFrom(this.redis, group, jobId, 1)) read(frame);
  }

  /** One run of one job. */
  open(group: string, jobId: string, epoch: number, lastSeq: number): JobRelay {
    const prefix = `{sluice:${group}}`;
    const record = `${prefix}:job:${jobId}`;
    const stream = `${prefix}:stream:${jobId}`;
    const send = (firstSeq: number, count: number, frame: string): Promise<Verdict> =>
      this.relayFrames(record, stream, epoch, firstSeq, firstSeq + count - 1, frame, FORGOTTEN_MS);
    return new JobRelay(jobId, epoch, lastSeq, send);
  }
}

/** Events held while one write is under way; a provider that outruns Redis by more waits. */
const HELD_CHARS = 1 << 20;

/**
 * Sends the events of one run. While one write is on its way the next events are held and then sent as one frame, so a
 * burst of fifty costs two or three writes and a slow stream no added time.
 */
export class JobRelay {
  private held = '';
  private heldCount = 0;
  private head: string | undefined;
  private writing: Promise<void> | undefined;
  private verdict: Verdict = 'go';
  private error: Error | undefined;

  constructor(
    private readonly jobId: string,
    private readonly epoch: number,
    private seq: number,
    private readonly send: (firstSeq: number, count: number, frame: string) => Promise<Verdict>,
  ) {}

  /** Events sent or held so far, over all runs of the job. */
  get lastSeq(): number {
    return this.seq + this.heldCount;
  }

  /**
   * @param events SSE bytes of `count` events, each ending in a blank line
   * @param head with the first events of a run: JSON that says who serves
   * Returns at once while little is held, else waits; anything but `go` ends the run. @throws when Redis refused a write
   */
  async push(events: string, count: number, head?: string): Promise<Verdict> {
    if (this.result() !== 'go') return this.verdict; // nor after a refused write: the next frame would have a hole before it
    this.held += events;
    this.heldCount += count;
    this.head ??= head;
    if (this.heldCount > 0) this.writing ??= this.write(); // without events it would be over before it is kept
    if (this.held.length > HELD_CHARS) await this.writing;
    return this.result();
  }

  /** Waits until all is written. @throws when Redis refused a write */
  async flush(): Promise<Verdict> {
    await this.writing;
    return this.result();
  }

  private result(): Verdict {
    if (this.error !== undefined) throw this.error;
    return this.verdict;
  }

  /** Never rejects: nobody may be waiting; the next call tells. */
  private async write(): Promise<void> {
    try {
      while (this.heldCount > 0 && this.verdict === 'go') {
        const { held, heldCount, head } = this;
        const firstSeq = this.seq + 1;
        this.seq += heldCount;
        this.held = '';
        this.heldCount = 0;
        this.head = undefined;
        const kind: FrameKind = head === undefined ? 'events' : 'head';
        const payload = head === undefined ? held : `${head}\n${held}`;
        const frame = frameHead(this.jobId, kind, this.epoch, firstSeq, heldCount) + payload;
        this.verdict = await this.send(firstSeq, heldCount, frame);
      }
    } catch (error) {
      this.error = error as Error;
    } finally {
      this.writing = undefined;
    }
  }
}
