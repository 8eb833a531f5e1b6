import { keptText, type BacklogBounds, type Kept, type Outage } from '@sluice/core';
import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf, SILENCE_MS, WORKER_CHANNEL, WORKERS } from './group-keys.js';
import { bullJobId, type JobTurn } from './job-envelope.js';
import { JobsOnDisk, type Disk } from './on-disk.js';
import acceptJob from './scripts/accept-job.lua';
import beginJob from './scripts/begin-job.lua';
import cancelJob from './scripts/cancel-job.lua';
import finishJob from './scripts/finish-job.lua';
import joinJob from './scripts/join-job.lua';
import noteAttempt from './scripts/note-attempt.lua';
import requeueJob from './scripts/requeue-job.lua';
import { withDurable, withLines } from './with-parts.js';

export interface NewJob {
  jobId: string;
  /** The body as the caller sent it. */
  request: Buffer;
  /** What was prepared from it, JSON. */
  job: string;
  replyTo: string;
  /** Unix ms. */
  deadlineMs: number;
  /** Time until it expires when nobody starts it. */
  dueInMs: number;
  /** Time that its caller waits for a start; 0: none (`x-sluice-when-full: reject`). */
  startInMs: number;
  /** No fallback group could serve it. */
  isLone: boolean;
  /** Where it waits when it must (`lineOf`). */
  line: string;
  /** See JobEnvelope. */
  tokens?: number | undefined;
  bounds: BacklogBounds;
  /** What its caller asked, where `request` is a translation of it and is kept with it. */
  asked?: Buffer | undefined;
  /** It outlives its caller's connection, and waits for whatever it needs; absent: a plain call. */
  durable?: NewDurable | undefined;
  /** After its end; absent: as long as a plain call's caller may come to look. A durable job has one. */
  kept?: Kept | undefined;
  /** Not straight to BullMQ, though there is room. */
  toBacklog?: boolean;
}

export interface NewDurable {
  /** DurableJob, JSON. */
  about: string;
  /** It does not start before, Unix ms. */
  notBeforeMs?: number | undefined;
}

export type Accepted =
  | { kind: 'accepted'; nextToBacklog: boolean; feedNow: boolean }
  | { kind: 'no_worker' }
  | { kind: 'no_capacity'; retryAfterMs: number }
  /** `whose` bound is reached: its tenant's, or that of all in the group. */
  | { kind: 'queue_full'; retryAfterMs: number; whose: 'group' | 'tenant' };

export interface BegunJob {
  epoch: number;
  /** Runs that lost their worker so far. */
  crashes: number;
  /** Redis TIME, ms. */
  nowMs: number;
  /** Last seq in the job's stream: what callers have seen. */
  seq: number;
  isCancelled: boolean;
  othersWait: boolean;
  request: Buffer;
  job: string;
  /** As `noteAttempt` and `requeue` wrote it; empty: none yet. */
  progress: string;
}

export interface FinishedJob {
  jobId: string;
  epoch: number;
  state: 'completed' | 'failed' | 'cancelled' | 'expired';
  outcome: string;
  result: Buffer | string;
  /** Made in all runs of a durable job. */
  attempts?: number | undefined;
}

export interface RecordView {
  state: string;
  seq: number;
  outcome: string | undefined;
  result: Buffer | undefined;
}

/** All that is shown of a job; its request and its result are read apart. Times in Unix ms. */
export interface JobSnapshot {
  state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'expired';
  /** As it was prepared, JSON. */
  job: string;
  /** DurableJob, JSON; absent: a call that was waited for. */
  durable: string | undefined;
  /** In whose line it stands. */
  line: string;
  /** Last seq in its stream. */
  seq: number;
  isCancelling: boolean;
  startedAtMs: number | undefined;
  /** Of a durable job. */
  finishedAtMs: number | undefined;
  /** Made until its end, of a durable job. */
  attempts: number | undefined;
  /** As a run wrote it, of a job that is not over. */
  progress: string | undefined;
  /** The attempt that began last, of a durable job that is not over and tells of its attempts. */
  asking: { number: number; deployment: string } | undefined;
  outcome: string | undefined;
  /** The job that it was tried again as: its id, and since when (Unix ms) it is to be that one. */
  retriedAs: string | undefined;
  /** A dead letter that was put away. */
  isDismissed: boolean;
}

/** Where jobs run that ended too many workers, as seen by this process. `nowhere`: like all others. */
export type SuspectsRun = 'nowhere' | 'elsewhere' | 'here';

/** From so many runs that lost their worker on, the job itself may be the cause. */
const SUSPECT_FROM = 3;

/** Results up to this size go along in the terminal frame. */
const INLINE_BYTES = 256 * 1024;
/** A run is overdue so long after its job's deadline: its own clock should have ended it. */
const OVERDUE_MS = 30_000;
const KEPT_MS = 10 * 60_000;
/** After a follower got the terminal frame: long enough for one that lost it to look. */
const KEPT_DELIVERED_MS = 60_000;
/** An inbox is an api replica, so more are mostly replicas that are no more. */
const MOST_FOLLOWERS = 100;

const SNAPSHOT = [
  'state',
  'job',
  'durable',
  'place',
  'seq',
  'cancel',
  'startedAt',
  'finishedAt',
  'attempts',
  'progress',
  'asking',
  'outcome',
  'retriedAs',
  'dismissed',
] as const;

/**
 * The truth about jobs: one Redis hash each, changed by scripts only. Terminal state is written once; writes of a run
 * carry its epoch, and a stale run's are refused.
 *
 *     queued ⇄ running → completed | failed | cancelled | expired
 */
export class JobRecords {
  private readonly acceptJob: Script<[string, number, number | 'group' | 'tenant']>;
  private readonly beginJob: Script<[Buffer, number, number, number, number, number, number, Buffer, Buffer, Buffer]>;
  private readonly noteAttempt: Script<'go' | 'stale' | 'cancelled'>;
  private readonly finishJob: Script<[string, number]>;
  private readonly requeueJob: Script<'requeued' | 'stale' | 'cancelled'>;
  private readonly cancelJob: Script<string>;
  private readonly joinJob: Script<'joined' | 'over' | 'gone'>;
  private begins = 0;
  readonly onDisk: JobsOnDisk;

  constructor(
    private readonly redis: Redis,
    private readonly suspectsRun: SuspectsRun = 'nowhere',
    disk?: Disk,
  ) {
    this.onDisk = new JobsOnDisk(disk);
    this.acceptJob = defineScript(redis, 'sluiceAcceptJob', 6, withDurable(acceptJob));
    this.beginJob = defineScript(redis, 'sluiceBeginJob', 5, beginJob, true);
    this.noteAttempt = defineScript(redis, 'sluiceNoteAttempt', 1, noteAttempt);
    this.finishJob = defineScript(redis, 'sluiceFinishJob', 5, withDurable(finishJob));
    this.requeueJob = defineScript(redis, 'sluiceRequeueJob', 4, withLines(requeueJob));
    this.cancelJob = defineScript(redis, 'sluiceCancelJob', 4, withDurable(cancelJob));
    this.joinJob = defineScript(redis, 'sluiceJoinJob', 1, joinJob);
  }

  /** @param direct the caller adds the job to BullMQ in the same pipeline; else it goes to the backlog */
  async accept(group: string, job: NewJob, direct: boolean): Promise<Accepted> {
    const k = keysOf(group);
    const [kind, a, b] = await this.acceptJob(
      k.record(job.jobId),
      k.pace,
      k.due,
      k.fed,
      k.bullWait,
      k.bullActive,
      job.jobId,
      job.request,
      job.job,
      job.replyTo,
      job.dueInMs,
      direct ? 1 : 0,
      SILENCE_MS,
      job.startInMs,
      job.isLone ? 1 : 0,
      job.deadlineMs,
      job.line,
      k.keyPrefix,
      job.bounds.jobs,
      job.bounds.bytes,
      job.bounds.tenantJobs,
      job.bounds.tenantBytes,
      ...durableArguments(job),
    );
    if (kind === 'no_worker') return { kind };
    if (kind === 'no_capacity') return { kind, retryAfterMs: a };
    if (kind === 'queue_full') return { kind, retryAfterMs: a, whose: b as 'group' | 'tenant' };
    return { kind: 'accepted', nextToBacklog: a === 1, feedNow: b === 1 };
  }

  /**
   * Undefined when there is nothing to run: no record, over already, or it is not this run's to begin (any more).
   * `suspect`: it is not to be run here (`SuspectsQueue.isolate`).
   */
  async begin(
    group: string,
    { jobId, fed, token }: Pick<JobTurn, 'jobId' | 'fed' | 'token'>,
    workerId: string,
  ): Promise<BegunJob | 'suspect' | undefined> {
    const k = keysOf(group);
    const isHere = this.suspectsRun === 'here';
    const lock = `${isHere ? k.suspectJob : k.bullJob}${bullJobId(jobId, fed)}:lock`;
    const keys = [k.record(jobId), k.due, isHere ? k.suspects : k.fed, k.backlog, lock];
    const runId = `${workerId}#${++this.begins}`;
    const reply = await this.beginJob(...keys, jobId, workerId, OVERDUE_MS, fed, token, runId, this.suspectFrom);
    const kind = reply[0].toString('latin1');
    if (kind === 'suspect') return kind;
    if (kind !== 'begun') return undefined;
    const [, epoch, crashes, nowMs, seq, cancelled, waiting, request, job, progress] = reply;
    return {
      epoch,
      crashes,
      nowMs,
      seq,
      isCancelled: cancelled === 1,
      othersWait: waiting === 1,
      request,
      job: job.toString(),
      progress: progress.toString(),
    };
  }

  private get suspectFrom(): number | string {
    if (this.suspectsRun === 'elsewhere') return SUSPECT_FROM;
    return this.suspectsRun === 'here' ? 'here' : '';
  }

  note(group: string, jobId: string, epoch: number, progress: string): Promise<'go' | 'stale' | 'cancelled'> {
    return this.noteAttempt(keysOf(group).record(jobId), epoch, progress);
  }

  /** Undefined when another run has begun or it was over: then nothing was written. */
  async finish(group: string, end: FinishedJob): Promise<{ othersWait: boolean } | undefined> {
    return this.end(group, end, String(end.epoch), end.attempts);
  }

  /** Ends a job that is past its time, from outside of any run. Undefined when it was over, or is not past its time. */
  async expire(
    group: string,
    end: { jobId: string; state: 'expired' | 'failed'; outcome: string },
  ): Promise<{ othersWait: boolean } | undefined> {
    return this.end(group, { ...end, result: '' }, '');
  }

  private async end(
    group: string,
    { jobId, state, outcome, result }: Omit<FinishedJob, 'epoch' | 'attempts'>,
    epoch: string,
    attempts?: number,
  ): Promise<{ othersWait: boolean } | undefined> {
    const k = keysOf(group);
    const keys = [k.record(jobId), k.stream(jobId), k.backlog, k.due, k.fed];
    const times = [KEPT_DELIVERED_MS, KEPT_MS, INLINE_BYTES];
    const made = attempts === undefined ? [] : [attempts];
    const reply = await this.finishJob(...keys, epoch, state, outcome, result, jobId, ...times, k.keyPrefix, ...made);
    const [kind, waiting] = reply;
    return kind === 'finished' ? { othersWait: waiting === 1 } : undefined;
  }

  /**
   * @param toBacklog nothing free, back to its place in its line: not fed again before that time; since when failures alone have
   *   been the reason (Unix ms). Absent: its BullMQ job goes back to wait
   */
  requeue(
    group: string,
    run: { jobId: string; epoch: number; progress: string; dueAtMs: number },
    toBacklog?: { untilMs: number; outSinceMs?: number | undefined },
  ): Promise<'requeued' | 'stale' | 'cancelled'> {
    const k = keysOf(group);
    return this.requeueJob(
      k.record(run.jobId),
      k.due,
      this.suspectsRun === 'here' ? k.suspects : k.fed,
      k.pace,
      run.epoch,
      run.jobId,
      run.progress,
      run.dueAtMs,
      toBacklog === undefined ? 'handed_back' : 'backlog',
      toBacklog?.untilMs ?? 0,
      k.keyPrefix,
      toBacklog?.outSinceMs ?? '',
    );
  }

  /** `cancelling`: it runs, and its worker has been told. */
  cancel(group: string, jobId: string, outcome: string): Promise<'cancelled' | 'cancelling' | 'over' | 'gone'> {
    return this.endFromOutside(group, jobId, outcome, 0) as Promise<'cancelled' | 'cancelling' | 'over' | 'gone'>;
  }

  /** One that runs is left alone. */
  cancelWaiting(group: string, jobId: string, outcome: string): Promise<'cancelled' | 'running' | 'over' | 'gone'> {
    return this.endFromOutside(group, jobId, outcome, 1) as Promise<'cancelled' | 'running' | 'over' | 'gone'>;
  }

  private endFromOutside(group: string, jobId: string, outcome: string, onlyWaiting: 0 | 1): Promise<string> {
    const k = keysOf(group);
    const keys = [k.record(jobId), k.stream(jobId), k.due, k.fed];
    const kept = [KEPT_DELIVERED_MS, WORKER_CHANNEL, k.keyPrefix, KEPT_MS];
    return this.cancelJob(...keys, jobId, outcome, ...kept, onlyWaiting);
  }

  /**
   * For whoever follows a job that is not their own: follow it in your inbox, join, then `lookNow` for what was before.
   * `over`: nothing more will come; the look finds all. `gone`: no record. Safe to repeat.
   */
  join(group: string, jobId: string, inbox: string): Promise<'joined' | 'over' | 'gone'> {
    return this.joinJob(keysOf(group).record(jobId), inbox, MOST_FOLLOWERS);
  }

  /** How it stands, without its result. Undefined when there is no record (any more). @returns outcome, JSON, once it is over */
  async stateOf(group: string, jobId: string): Promise<{ state: string; outcome: string | undefined } | undefined> {
    const [state, outcome] = await this.redis.hmget(keysOf(group).record(jobId), 'state', 'outcome');
    return state ? { state, outcome: outcome ?? undefined } : undefined;
  }

  /** What was prepared when it was accepted, JSON. Undefined when there is no record (any more). */
  async prepared(group: string, jobId: string): Promise<string | undefined> {
    return (await this.redis.hget(keysOf(group).record(jobId), 'job')) ?? undefined;
  }

  /** Jobs of a group that have no terminal record, wherever they are. */
  unfinished(group: string): Promise<number> {
    return this.redis.zcard(keysOf(group).due);
  }

  /**
   * What a job that is not over may hope for.
   * @param nowMs Redis TIME
   * @returns isAttended: a worker that may run it is alive, any of its group, or the one that has it · outage: of its group,
   *   while nobody has it
   */
  async hopeFor(group: string, jobId: string, nowMs: number): Promise<{ isAttended: boolean; outage?: Outage }> {
    const k = keysOf(group);
    const [[beat, out, outSeen], worker] = await Promise.all([
      this.redis.hmget(k.pace, 'beat', 'out', 'outSeen'),
      this.redis.hget(k.record(jobId), 'worker'),
    ]);
    const outage = outSeen && !worker ? { outage: { sinceMs: Number(out), seenMs: Number(outSeen) } } : {};
    if (nowMs - Number(beat ?? 0) <= SILENCE_MS) return { isAttended: true, ...outage };
    const last = worker ? Number((await this.redis.zscore(WORKERS, worker)) ?? 0) : 0;
    return { isAttended: nowMs - last <= SILENCE_MS, ...outage };
  }

  /** Undefined when there is no record (any more), or none that says more than that the job is over (free-records.lua). */
  async read(group: string, jobId: string): Promise<JobSnapshot | undefined> {
    const read = await this.redis.hmget(keysOf(group).record(jobId), ...SNAPSHOT);
    const [state, job, durable, place, seq, cancel, startedAt, finishedAt, attempts, progress, ...rest] = read;
    const [asking, outcome = null, retriedAs, dismissed = null] = rest;
    if (!state || !job) return undefined;
    await this.onDisk.ended(group, jobId, outcome ?? undefined);
    return {
      state: state as JobSnapshot['state'],
      job,
      durable: durable ?? undefined,
      line: place!.slice(place!.indexOf(' ') + 1),
      seq: Number(seq ?? 0),
      isCancelling: cancel !== null && outcome === null,
      startedAtMs: startedAt === null ? undefined : Number(startedAt),
      finishedAtMs: finishedAt === null ? undefined : Number(finishedAt),
      attempts: attempts === null ? undefined : Number(attempts),
      progress: progress ?? undefined,
      asking: askingOf(asking),
      outcome: outcome ?? undefined,
      retriedAs: retriedAs || undefined,
      isDismissed: dismissed !== null,
    };
  }

  /** The large ones of a record's fields; undefined is what is not there (any more). */
  async bytes<Name extends 'request' | 'asked' | 'result'>(
    group: string,
    jobId: string,
    names: readonly Name[],
  ): Promise<Partial<Record<Name, Buffer>>> {
    const values = await this.redis.hmgetBuffer(keysOf(group).record(jobId), ...names);
    const found: Partial<Record<Name, Buffer>> = {};
    for (const [i, name] of names.entries()) if (values[i]) found[name] = values[i];
    return found;
  }

  /** For a follower that may have missed something. Undefined when there is no record (any more). */
  async look(group: string, jobId: string): Promise<RecordView | undefined> {
    const [state, seq, outcome, result] = await this.redis.hmgetBuffer(
      keysOf(group).record(jobId),
      'state',
      'seq',
      'outcome',
      'result',
    );
    if (!state) return undefined;
    const told = outcome?.toString();
    await this.onDisk.ended(group, jobId, told);
    return {
      state: state.toString('latin1'),
      seq: Number(seq?.toString('latin1') ?? 0),
      outcome: told,
      result: result ?? undefined,
    };
  }
}

/** As relay-frames.lua writes it. */
function askingOf(text: string | null | undefined): JobSnapshot['asking'] {
  const [, number, deployment] = /^(\d+) (.*)$/s.exec(text ?? '') ?? [];
  return deployment === undefined ? undefined : { number: Number(number), deployment };
}

/** A plain call sends none. */
function durableArguments({ asked, durable, kept }: NewJob): (string | number | Buffer)[] {
  if (durable === undefined && kept === undefined) return [];
  const { about = '', notBeforeMs = 0 } = durable ?? {};
  return [about, asked ?? '', notBeforeMs, ...(kept === undefined ? [] : [keptText(kept)])];
}
