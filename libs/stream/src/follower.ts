import { frameHead, readFrame, type Frame, type Outcome } from '@sluice/wire';
import { Observable } from 'rxjs';

/** What a look at record and stream found. */
export interface Looked {
  /** Frames of the stream from the asked seq on, in order. */
  frames: Frame[];
  /** The job is over. */
  terminal: Frame | undefined;
}

/** Undefined when there is no record. @throws when Redis is away: asked again later */
export type LookAtRecord = (jobId: string, fromSeq: number) => Promise<Looked | undefined>;

export interface FollowFrom {
  /** First seq that is wanted: that of a frame, or the one after the last. */
  seq: number;
  /** What is lost is passed over: the end of the job is told as it is, and who reads sees by the numbers what is missing. */
  bearsHoles: boolean;
}

export interface FollowerOptions {
  /** The end of a job counts when a look finds it: the frame that tells of it comes before it is known to be on disk. */
  looksAtEnds: boolean;
}

const FROM_THE_BEGINNING: FollowFrom = { seq: 1, bearsHoles: false };

/** Two looks without a record, so far apart, and it is gone: Redis restarted empty. One alone may come before the accept. */
const GONE_AFTER_MS = 4_000;

const DATA_LOST: Outcome = {
  state: 'failed',
  error: { code: 'storage_unavailable', message: 'The queue lost this call with its data. It can be repeated.' },
};
const EVENTS_LOST: Outcome = {
  state: 'failed',
  error: { code: 'upstream_interrupted', message: 'Some of the answer was lost on its way.' },
};

/**
 * Follows one job: hands on its frames in order, each event once, whatever the channel loses, repeats or turns round.
 *
 *     in order ──► handed on · later than expected (gap), or 5 s of silence ──► look at record and stream · seen ──► dropped
 *
 * It ends with one terminal frame: the job's, or one of its own making when the record is gone, or the job is over and its
 * stream has a hole that nothing will fill.
 *
 * Frames are cold until `frames` is subscribed to, and kept until then. One subscriber.
 */
export class Follower {
  heardAt = performance.now();
  private nextSeq: number;
  private readonly held: Frame[] = [];
  private looking = false;
  /** One more look after the present one: what this one was asked about may have come after it had read. */
  private again = false;
  /** When a look first found no record. */
  private goneSinceMs: number | undefined;
  private closed = false;
  private sink: ((frame: Frame) => void) | undefined;
  private complete: (() => void) | undefined;

  constructor(
    readonly jobId: string,
    private readonly look: LookAtRecord,
    private readonly leave: () => void,
    private readonly from = FROM_THE_BEGINNING,
    private readonly options: FollowerOptions = { looksAtEnds: false },
  ) {
    this.nextSeq = from.seq;
  }

  /** Ends after the terminal frame. Unsubscribing stops following. */
  readonly frames = new Observable<Frame>((subscriber) => {
    this.sink = (frame) => subscriber.next(frame);
    this.complete = () => subscriber.complete();
    for (const frame of this.held.splice(0)) this.handOn(frame);
    return () => this.close();
  });

  hear(frame: Frame): void {
    this.heardAt = performance.now();
    if (this.closed || frame.firstSeq + Math.max(frame.count, 1) <= this.nextSeq) return; // seen
    if (frame.firstSeq !== this.nextSeq) return this.lookNow(); // a look finds this one too
    if (this.options.looksAtEnds && frame.kind === 'terminal') return this.lookNow();
    this.accept(frame);
  }

  /** Safe to call at any time; one look at a time, and one more when it is called during a look. */
  lookNow(): void {
    if (this.closed) return;
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    const nowMs = performance.now();
    this.heardAt = nowMs;
    this.look(this.jobId, this.nextSeq)
      .then((looked) => this.catchUp(looked, nowMs))
      .catch(() => undefined) // Redis is away: the patrol looks again, and who waits has a limit of their own
      .finally(() => {
        this.looking = false;
        if (!this.again) return;
        this.again = false;
        this.lookNow();
      });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave();
  }

  private catchUp(looked: Looked | undefined, lookedAtMs: number): void {
    if (this.closed) return;
    if (looked === undefined) return this.missRecord(lookedAtMs);
    this.goneSinceMs = undefined;
    for (const frame of looked.frames) if (frame.firstSeq === this.nextSeq && !this.closed) this.accept(frame);
    const { terminal } = looked;
    if (terminal === undefined || this.closed) return;
    if (terminal.firstSeq === this.nextSeq || this.from.bearsHoles) this.accept(terminal);
    else this.endWith(EVENTS_LOST);
  }

  private missRecord(lookedAtMs: number): void {
    this.goneSinceMs ??= lookedAtMs;
    if (lookedAtMs - this.goneSinceMs >= GONE_AFTER_MS) this.endWith(DATA_LOST);
  }

  private endWith(outcome: Outcome): void {
    this.accept(terminalFrame(this.jobId, this.nextSeq - 1, JSON.stringify(outcome), undefined));
  }

  private accept(frame: Frame): void {
    this.nextSeq = frame.firstSeq + frame.count;
    this.goneSinceMs = undefined; // a frame is sent only while there is a record
    if (frame.kind === 'terminal') this.close(); // nothing comes after it
    if (this.sink === undefined) this.held.push(frame);
    else this.handOn(frame);
  }

  private handOn(frame: Frame): void {
    this.sink!(frame);
    if (frame.kind === 'terminal') this.complete!();
  }
}

/** The terminal frame as `finish-job.lua` would publish it, made from the record of a job that is over. */
export function terminalFrame(jobId: string, lastSeq: number, outcome: string, result: Buffer | undefined): Frame {
  const head = Buffer.from(`${frameHead(jobId, 'terminal', 0, lastSeq + 1, 0)}${outcome}\n`);
  return readFrame(Buffer.concat([head, result ?? Buffer.alloc(0)]))!;
}
