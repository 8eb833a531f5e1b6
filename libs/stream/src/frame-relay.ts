import { frameHead, type Frame, type FrameKind } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { framesFrom } from './replay-stream.js';
import relayFrames from './scripts/relay-frames.lua';

type Verdict = 'go' | 'stale' | 'cancelled';

/** @param asking goes into the record */
type Send = (firstSeq: number, count: number, frame: string, asking: string | undefined) => Promise<Verdict>;

/** A job that never ends leaves its stream behind for a day after its deadline at the most. */
const FORGOTTEN_MS = 86_400_000;

/** The worker's end: writes frames to the job's stream and to who follows it. */
export class FrameRelay {
  private readonly relayFrames: (...args: (string | number | Buffer)[]) => Promise<Verdict>;

  /** @param nowMs Redis TIME, as far as this process knows it */
  constructor(
    private readonly redis: Redis,
    private readonly nowMs: () => number,
  ) {
    redis.defineCommand('sluiceRelayFrames', { numberOfKeys: 2, lua: relayFrames });
    const commands = redis as unknown as Record<string, (...args: (string | number | Buffer)[]) => Promise<Verdict>>;
    this.relayFrames = (...args) => commands['sluiceRelayFrames']!.apply(redis, args);
  }

  /** All that was sent of a job so far, a frame at a time. */
  async replay(group: string, jobId: string, read: (frame: Frame) => void): Promise<void> {
    for await (const frame of framesFrom(this.redis, group, jobId, 1)) read(frame);
  }

  /** One run of one job. @param deadlineMs of the job, Unix ms */
  open(group: string, jobId: string, epoch: number, lastSeq: number, deadlineMs: number): JobRelay {
    const prefix = `{sluice:${group}}`;
    const record = `${prefix}:job:${jobId}`;
    const stream = `${prefix}:stream:${jobId}`;
    const send: Send = (firstSeq, count, frame, asking) => {
      const args = [record, stream, epoch, firstSeq, firstSeq + count - 1, frame, keptMs()];
      return asking === undefined ? this.relayFrames(...args) : this.relayFrames(...args, asking);
    };
    const keptMs = (): number => Math.max(0, Math.ceil(deadlineMs - this.nowMs())) + FORGOTTEN_MS;
    return new JobRelay(jobId, epoch, lastSeq, send, this.nowMs);
  }
}

/** Events held while one write is under way; a provider that outruns Redis by more waits. */
const HELD_CHARS = 1 << 20;

/** Becomes one frame. */
interface Held {
  kind: FrameKind;
  payload: string;
  count: number;
  attempt: number;
  asking?: string | undefined;
}

/**
 * Sends the events of one run. While one write is on its way the next events are held and then sent as one frame, so a
 * burst of fifty costs two or three writes and a slow stream no added time. Frames hold one kind of events, of one attempt.
 */
export class JobRelay {
  /** Whose events are pushed. */
  attempt = 0;
  private readonly held: Held[] = [];
  private heldChars = 0;
  private heldCount = 0;
  private writing: Promise<void> | undefined;
  private verdict: Verdict = 'go';
  private error: Error | undefined;

  constructor(
    private readonly jobId: string,
    private readonly epoch: number,
    private seq: number,
    private readonly send: Send,
    private readonly nowMs: () => number,
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
  push(events: string, count: number, head?: string): Promise<Verdict> {
    return head === undefined ? this.hold('events', events, count) : this.hold('head', `${head}\n${events}`, count);
  }

  /**
   * As `push`.
   * @param line JSON of a LifeEvent
   * @param asking of an attempt that begins: `<number> <deployment>`, to be seen in the record
   */
  tell(line: string, asking?: string): Promise<Verdict> {
    return this.hold('life', `${line}\n`, 1, asking);
  }

  /** Waits until all is written. @throws when Redis refused a write */
  async flush(): Promise<Verdict> {
    await this.writing;
    return this.result();
  }

  private async hold(kind: FrameKind, payload: string, count: number, asking?: string): Promise<Verdict> {
    if (this.result() !== 'go') return this.verdict; // nor after a refused write: the next frame would have a hole before it
    if (count === 0) return 'go'; // without events it would be over before it is kept
    const last = this.held.at(-1);
    const isSameKind = last?.kind === kind || (last?.kind === 'head' && kind === 'events');
    if (last !== undefined && isSameKind && kind !== 'head' && last.attempt === this.attempt) {
      last.payload += payload;
      last.count += count;
      last.asking = asking ?? last.asking;
    } else this.held.push({ kind, payload, count, attempt: this.attempt, asking });
    this.heldChars += payload.length;
    this.heldCount += count;
    this.writing ??= this.write();
    if (this.heldChars > HELD_CHARS) await this.writing;
    return this.result();
  }

  private result(): Verdict {
    if (this.error !== undefined) throw this.error;
    return this.verdict;
  }

  /** Never rejects: nobody may be waiting; the next call tells. */
  private async write(): Promise<void> {
    try {
      for (let next = this.held.shift(); next !== undefined && this.verdict === 'go'; next = this.held.shift()) {
        const { kind, payload, count, attempt, asking } = next;
        const firstSeq = this.seq + 1;
        this.seq += count;
        this.heldCount -= count;
        this.heldChars -= payload.length;
        const head = frameHead(this.jobId, kind, this.epoch, firstSeq, count, { attempt, atMs: this.nowMs() });
        this.verdict = await this.send(firstSeq, count, head + payload, asking);
      }
    } catch (error) {
      this.error = error as Error;
    } finally {
      this.writing = undefined;
    }
  }
}
