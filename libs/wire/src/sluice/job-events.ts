import type { EventFold } from '../endpoints/presentation.js';
import { errorObject } from '../error-body.js';
import type { AttemptUsage } from './attempt.js';
import { readPayload, type Frame } from './frame.js';
import type { LifeEvent } from './life-event.js';
import type { Outcome } from './outcome.js';

/** What a job's events are made of, beside its frames. The same for every reader, whenever it comes. */
export interface EventfulJob {
  jobId: string;
  createdAtMs: number;
  /** A durable job's list begins with how it was taken in; a plain call's with its answer. */
  isDurable: boolean;
  notBeforeMs?: number | undefined;
  /** A new fold of the chat chunks into the endpoint's own events; absent: they are those. */
  newFold?: (() => EventFold) | undefined;
}

/** How a job ended, as its record says. */
export interface JobEnd {
  outcome: Outcome;
  /** The chunks that end its answer; absent: it was no stream, or they are gone. */
  tail?: string | undefined;
  finishedAtMs: number;
}

/** A list of events that is made from a job's frames, for one reader. */
export interface EventList {
  /** First frame that is needed. */
  readonly fromFrame: number;
  /** What stands before all frames. */
  open: () => string;
  frame: (frame: Frame) => string;
  /**
   * @param lastFrameSeq undefined: the record is lost
   * @param isGone frames that were needed are not kept any more
   */
  end: (end: JobEnd, lastFrameSeq: number | undefined, isGone: boolean) => string;
  /** Said before the connection is cut; absent: readers know by themselves that this was not the end. */
  cut?: () => string;
}

/** Events that precede the job's first frame: they follow from the record. */
export const openingCount = ({ isDurable, notBeforeMs }: EventfulJob): number =>
  isDurable ? (notBeforeMs === undefined ? 1 : 2) : 0;

/**
 * One job's list of events as SSE text, for one reader: fed with the job's frames in order, it numbers what they hold from 1
 * without gaps, and leaves out what the reader has.
 *
 *     job.queued, job.delayed (record) · frames: life and answer, one event each · the answer's tail · how it ended (record)
 *
 * Where the endpoint has events of its own, one chunk may become several of them or none: such a list is made from its
 * beginning. Else an event's number follows from its frame's, and a reader may begin anywhere.
 */
export class JobEvents implements EventList {
  private seq: number;
  private fold: EventFold | undefined;
  private attempt = 1;

  /** @param after number of the last event that the reader has; 0: none */
  constructor(
    private readonly job: EventfulJob,
    private readonly after: number,
  ) {
    this.seq = openingCount(job);
    this.fold = job.newFold?.();
  }

  /** First frame that is needed: give that one, or the one that holds its event, or an earlier one. */
  get fromFrame(): number {
    return this.job.newFold === undefined ? Math.max(1, this.after - openingCount(this.job) + 1) : 1;
  }

  /** What stands before all frames. */
  open(): string {
    const { isDurable, createdAtMs, notBeforeMs } = this.job;
    if (!isDurable) return '';
    const queued = this.event(1, 'job.queued', createdAtMs);
    if (notBeforeMs === undefined) return queued;
    const delay = `,"not_before":${Math.ceil(notBeforeMs / 1_000)},"reason":"not_before"`;
    return queued + this.event(2, 'job.delayed', createdAtMs, delay);
  }

  frame(frame: Frame): string {
    const { kind, payload, firstSeq, attempt, atMs = this.job.createdAtMs } = frame;
    if (this.job.newFold === undefined) this.seq = openingCount(this.job) + firstSeq - 1;
    switch (kind) {
      case 'life':
        return this.life(payload.toString());
      case 'head':
      case 'events':
        this.attempt = attempt ?? this.attempt;
        return this.output((kind === 'head' ? readPayload(payload).rest : payload).toString(), atMs);
      case 'terminal':
        return ''; // the record tells more of it
    }
  }

  /**
   * What stands behind all frames.
   * @param lastFrameSeq absent: nobody knows it any more
   * @param isGone not all frames could be given: only how it ended is told then, under its own number
   */
  end({ outcome, tail, finishedAtMs }: JobEnd, lastFrameSeq: number | undefined, isGone = false): string {
    const { newFold, jobId } = this.job;
    if (lastFrameSeq === undefined) this.seq = Math.max(this.seq, this.after);
    else if (newFold === undefined) this.seq = openingCount(this.job) + lastFrameSeq;
    else if (isGone) this.seq = Math.max(this.seq, this.after, openingCount(this.job) + lastFrameSeq);
    this.attempt = lastAttemptOf(outcome) ?? this.attempt; // whoever comes after the last frame has seen none
    const hasTail = outcome.state === 'completed' && tail !== undefined && !(isGone && newFold !== undefined);
    const last = hasTail ? this.chunks(this.fold?.end(tail) ?? tail, finishedAtMs) : '';
    return (isGone ? '' : last) + this.next(`job.${outcome.state}`, finishedAtMs, endMembers(outcome, jobId));
  }

  private life(lines: string): string {
    let text = '';
    for (const line of lines.split('\n')) {
      if (line === '') continue;
      const { type, at_ms: atMs, ...members } = JSON.parse(line) as LifeEvent;
      if (type === 'job.output_reset') this.fold = this.job.newFold?.();
      text += this.next(type, atMs, membersOf(members));
    }
    return text;
  }

  private output(chunks: string, atMs: number): string {
    return this.chunks(this.fold === undefined ? chunks : this.fold.push(chunks), atMs);
  }

  private chunks(sse: string, atMs: number): string {
    let text = '';
    for (const event of sse.split('\n\n')) {
      const data = dataOf(event);
      if (data === undefined || data === '[DONE]') continue;
      text += this.next('job.output', atMs, `,"attempt":${this.attempt},"chunk":${data}`);
    }
    return text;
  }

  private next(type: string, atMs: number, members = ''): string {
    return this.event(++this.seq, type, atMs, members);
  }

  private event(seq: number, type: string, atMs: number, members = ''): string {
    if (seq <= this.after) return '';
    return `id: ${seq}\ndata: {"seq":${seq},"job_id":"${this.job.jobId}","type":"${type}","at_ms":${atMs}${members}}\n\n`;
  }
}

const lastAttemptOf = ({ attempts, served }: Outcome): number | undefined =>
  attempts?.findLast(({ outcome }) => outcome === 'succeeded')?.number ??
  (served === undefined ? undefined : 1 + served.retries + served.fallbacks);

/** Our own events have their data in one line; some have a line with their name before it. */
function dataOf(event: string): string | undefined {
  if (event.startsWith('data: ')) return event.slice(6);
  const at = event.indexOf('\ndata: ');
  return at === -1 ? undefined : event.slice(at + 7);
}

const membersOf = (members: object): string => {
  const json = JSON.stringify(members);
  return json === '{}' ? '' : `,${json.slice(1, -1)}`;
};

function endMembers({ state, error, usage, costUsd }: Outcome, jobId: string): string {
  switch (state) {
    case 'completed':
      return membersOf({ usage: usage === undefined ? null : jobUsage(usage), cost_usd: costUsd ?? null });
    case 'failed':
    case 'expired':
      return error === undefined ? '' : membersOf({ error: errorObject(error, jobId) });
    case 'cancelled':
      return '';
  }
}

/** `usage` of jobs and attempts. */
export const jobUsage = ({ prompt, completion, estimated }: NonNullable<Outcome['usage']>): AttemptUsage => ({
  input_tokens: prompt,
  output_tokens: completion,
  total_tokens: prompt + completion,
  estimated,
});

/** Number of the job's last event; undefined: it takes its whole list to say so. @param outcome of a job that is over */
export function lastSeqOf(job: EventfulJob, lastFrameSeq: number, outcome: Outcome | undefined): number | undefined {
  if (job.newFold !== undefined) return undefined;
  const last = openingCount(job) + lastFrameSeq;
  if (outcome === undefined) return last;
  const tail = outcome.state === 'completed' ? (outcome.tail ?? '') : '';
  return last + tail.split('\n\n').filter((each) => isChunk(dataOf(each))).length + 1;
}

const isChunk = (data: string | undefined): boolean => data !== undefined && data !== '[DONE]';
