import type { OutgoingHttpHeaders } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Follower, FollowFrom, LookAtRecord } from '@sluice/stream';
import { readPayload, SSE_HEARTBEAT, type EventList, type Frame, type JobEnd, type Outcome } from '@sluice/wire';
import type { FastifyReply } from 'fastify';
import { cutWhenUnread } from '../cut-when-unread.js';
import { EVENT_STREAM_HEADERS, Lag } from '../event-stream.js';
import type { HttpTimes } from '../http-times.js';
import type { OpenCalls } from '../open-calls.js';
import type { EventfulRecord } from './eventful-job.js';

export interface EventsDeps {
  openCalls: OpenCalls;
  times: Pick<HttpTimes, 'heartbeatMs' | 'laggingMs' | 'unreadMs'>;
  /** Some of the job's kept frames: the one that holds `fromSeq` and those after it; fewer than `most`: all there were. */
  replay: (group: string, jobId: string, page: { fromSeq: number; most: number }) => Promise<Frame[]>;
  follow: (jobId: string, look: LookAtRecord, from: FollowFrom) => Follower;
  /** Lets the job's worker know that this replica listens. */
  join: (group: string, jobId: string) => Promise<unknown>;
  lookAt: (group: string) => LookAtRecord;
  /** How the job ended; undefined: its record is gone. */
  readEnd: (job: EventfulRecord) => Promise<KnownEnd | undefined>;
}

export interface KnownEnd extends JobEnd {
  lastFrameSeq: number;
}

/** Frames of what is kept that are read at a time: a reader costs so many, however far behind and however slow it is. */
const PAGE = 64;
/** A Redis that restarts is back in this time; else the reader comes back for the rest. */
const TRIES = 20;
const RETRY_MS = 250;

/**
 * Sends a job's events after one of them, to the last: first what is kept, as fast as the reader takes it, then what comes.
 *
 *     replay (a page at a time, waits for the reader) ──► all that is kept is sent: follow (cut when it lags) ──► end
 *
 * Whatever cuts it off, we or the network, the reader comes back with the number of the last event that it has. The job is
 * never touched.
 * @throws before the head is sent, when Redis is away
 */
export async function replyWithEvents(
  job: EventfulRecord,
  events: EventList,
  reply: FastifyReply,
  deps: EventsDeps,
): Promise<void> {
  const fromSeq = Math.min(events.fromFrame, job.lastFrameSeq + 1);
  const first = await deps.replay(job.group, job.jobId, { fromSeq, most: PAGE });
  if (reply.raw.destroyed) return;
  new EventsReply(job, events, fromSeq, reply, deps).send(first).catch(() => reply.raw.destroy());
}

class EventsReply {
  private readonly raw;
  private readonly lag;
  private readonly beats;
  private readonly call = { isStream: true, shutDown: () => this.cut() };
  private follower: Follower | undefined;
  private isOver = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly job: EventfulRecord,
    private readonly events: EventList,
    /** First frame that has not been sent. */
    private nextSeq: number,
    reply: FastifyReply,
    private readonly deps: EventsDeps,
  ) {
    const { times, openCalls } = deps;
    this.raw = reply.raw;
    this.lag = new Lag(times.laggingMs);
    this.beats = setInterval(() => this.write(SSE_HEARTBEAT), times.heartbeatMs).unref();
    openCalls.add(this.call);
    this.raw.on('close', () => this.stop());
    this.raw.on('timeout', () => this.raw.destroy()); // of a reader that takes nothing
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    reply.hijack();
    this.raw.writeHead(200, {
      ...headers,
      ...EVENT_STREAM_HEADERS,
      'x-sluice-job-id': job.jobId,
    });
    this.raw.flushHeaders();
  }

  /** @param first of the kept frames that are needed */
  async send(first: Frame[]): Promise<void> {
    const { job } = this;
    const isGone = job.isOver && first.length === 0 && this.nextSeq <= job.lastFrameSeq;
    if (!isGone) this.write(this.events.open());
    for (let page = first; ; page = await this.page()) {
      const before = this.nextSeq;
      for (const frame of page) if (frame.firstSeq <= this.nextSeq) this.take(frame); // a hole is passed over with all behind it
      await this.taken();
      if (this.isOver) return;
      if (page.length < PAGE || this.nextSeq === before) break;
    }
    if (job.isOver) await this.end();
    else await this.follow();
  }

  private async follow(): Promise<void> {
    const { job, deps } = this;
    const from = { seq: this.nextSeq, bearsHoles: true };
    const follower = deps.follow(job.jobId, deps.lookAt(job.group), from);
    this.follower = follower;
    follower.frames.subscribe((frame) => {
      if (frame.kind === 'terminal') this.end(readPayload<Outcome>(frame.payload).line).catch(() => this.raw.destroy());
      else this.take(frame);
    });
    await again(() => deps.join(job.group, job.jobId));
    follower.lookNow();
  }

  private take(frame: Frame): void {
    this.nextSeq = frame.firstSeq + frame.count;
    this.write(this.events.frame(frame));
  }

  /** @param told by the terminal frame: that of a record which is lost, or erased by now, is all there is */
  private async end(told?: Outcome): Promise<void> {
    const { events, job } = this;
    const end = await again(() => this.deps.readEnd(job));
    if (end !== undefined) this.write(events.end(end, end.lastFrameSeq, this.nextSeq <= end.lastFrameSeq));
    else if (told !== undefined) {
      this.write(events.end({ outcome: told, finishedAtMs: told.atMs ?? job.createdAtMs }, undefined, false));
    }
    this.close();
  }

  private page(): Promise<Frame[]> {
    const { group, jobId } = this.job;
    return again(() => this.deps.replay(group, jobId, { fromSeq: this.nextSeq, most: PAGE }));
  }

  private write(text: string): void {
    if (this.isOver || text === '') return;
    this.raw.write(text);
    this.beats.refresh();
    if (this.follower !== undefined && this.lag.isTooLong(this.raw.writableLength)) this.raw.destroy();
  }

  /** Until the reader has what was written, or is gone. */
  private async taken(): Promise<void> {
    const { raw } = this;
    if (this.isOver || !raw.writableNeedDrain) return;
    raw.setTimeout(this.deps.times.unreadMs);
    await new Promise<void>((done) => {
      this.wake = done; // a listener for `close` each time would add up
      raw.once('drain', done);
    });
    if (!this.isOver) raw.setTimeout(0);
  }

  /** This server shuts down, and the job goes on. */
  private cut(): void {
    this.write(this.events.cut?.() ?? '');
    this.close();
  }

  private close(): void {
    if (this.isOver) return;
    this.stop();
    cutWhenUnread(this.raw, this.deps.times.unreadMs);
    this.raw.end();
  }

  private stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearInterval(this.beats);
    this.deps.openCalls.delete(this.call);
    this.follower?.close();
    this.wake?.();
  }
}

async function again<Read>(read: () => Promise<Read>): Promise<Read> {
  for (let left = TRIES; ; left--) {
    try {
      return await read();
    } catch (error) {
      if (left === 0) throw error;
    }
    await pause(RETRY_MS);
  }
}
