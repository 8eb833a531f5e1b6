import { expectedStartMs, jobsAhead, startsPerSecond, type WaitingLine } from '@sluice/core';
import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf } from './group-keys.js';
import lookLines from './scripts/look-lines.lua';
import placeJob from './scripts/place-job.lua';

export interface QueueLook {
  /** Jobs in the backlog, and bytes of their requests. */
  waiting: number;
  waitingBytes: number;
  /** Jobs that BullMQ has and no worker has begun. */
  fed: number;
  /** Jobs that workers have. */
  active: number;
  /** Jobs that may not start yet. */
  delayed: number;
  isPaused: boolean;
  /** How long the one that waits longest has; undefined: none waits. */
  oldestWaitMs: number | undefined;
  lines: readonly WaitingLine[];
  /** Of the last minute, while calls waited; undefined: none. */
  startsPerSecond: number | undefined;
  /** Until something could be free again; 0: now. */
  shutMs: number;
}

export interface PlaceInLine {
  /** 1: the next of its group. */
  position: number;
  /** Undefined in a pause, and as long as nothing of the group has started since calls wait. */
  etaMs: number | undefined;
}

type Ninefold = [number, number, number, number, number, number, number, number, number];

/** A look is good for this long, and longer where many lines wait: 1 ms more for each. */
const FRESH_MS = 1_000;

/**
 * What waits in a group, for whoever asks: where a job stands and when it may start. A poll costs one command that takes
 * no longer when more wait; the lines of the others are looked at once a second for all polls.
 */
export class QueueView {
  private readonly lookLines: Script<[...numbers: Ninefold, spans: string[], lines: (string | number)[]]>;
  private readonly placeJob: Script<[] | [fed: number, line: string, before: number]>;
  private readonly looks = new Map<string, { atMs: number; look: Promise<QueueLook>; lines: number }>();

  constructor(redis: Redis) {
    this.lookLines = defineScript(redis, 'sluiceLookLines', 6, lookLines);
    this.placeJob = defineScript(redis, 'sluicePlaceJob', 2, placeJob);
  }

  /** Undefined when the job is not queued: it runs, is delayed, is over, or there is none. */
  async place(group: string, jobId: string): Promise<PlaceInLine | undefined> {
    const k = keysOf(group);
    const [stands, look] = await Promise.all([
      this.placeJob(k.record(jobId), k.fed, jobId, k.linePrefix, k.delayed),
      this.look(group),
    ]);
    if (stands.length === 0) return undefined;
    const [fed, line, before] = stands;
    const ahead = line === '' ? fed : fed + jobsAhead(line, before, look.lines);
    const etaMs = look.isPaused ? undefined : expectedStartMs(ahead + 1, look.startsPerSecond, look.shutMs);
    return { position: ahead + 1, etaMs };
  }

  /** After a change by hand: the next look shows it. */
  forget(group: string): void {
    this.looks.delete(group);
  }

  /** As it was up to a second ago. */
  look(group: string): Promise<QueueLook> {
    const nowMs = performance.now();
    const last = this.looks.get(group);
    if (last !== undefined && nowMs - last.atMs < FRESH_MS + last.lines) return last.look;
    const entry = { atMs: nowMs, look: this.read(group), lines: 0 };
    this.looks.set(group, entry);
    entry.look.then(
      ({ lines }) => (entry.lines = lines.length),
      () => this.looks.delete(group),
    );
    return entry.look;
  }

  private async read(group: string): Promise<QueueLook> {
    const k = keysOf(group);
    const reply = await this.lookLines(k.backlog, k.pace, k.starts, k.fed, k.bullActive, k.delayed, k.linePrefix);
    const [nowMs, untilMs, waiting, waitingBytes, fed, fedSinceMs, active, delayed, paused, spans, quads] = reply;
    const starts = new Map<number, number>();
    for (let i = 0; i < spans.length; i += 2) starts.set(Number(spans[i]), Number(spans[i + 1]));
    const lines: WaitingLine[] = [];
    let sinceMs = fedSinceMs || Infinity;
    for (let i = 0; i < quads.length; i += 4) {
      lines.push({ line: quads[i] as string, start: Number(quads[i + 1]), jobs: quads[i + 2] as number });
      sinceMs = Math.min(sinceMs, Number(quads[i + 3]) / 1_000);
    }
    const oldestWaitMs = sinceMs === Infinity ? undefined : Math.max(0, Math.round(nowMs - sinceMs));
    const shutMs = Math.max(0, untilMs - nowMs);
    const perSecond = startsPerSecond(starts, nowMs);
    const jobs = { waiting, waitingBytes, fed, active, delayed };
    return { ...jobs, isPaused: paused === 1, oldestWaitMs, lines, shutMs, startsPerSecond: perSecond };
  }
}
