import { setTimeout as pause } from 'node:timers/promises';
import { batchWindow, endingOf, FileGone, lineJobId, type BatchEnding } from '@sluice/core';
import type { FileLine } from '@sluice/files';
import type { BatchRow, DoneLine } from '@sluice/store';
import { BATCH_DIALECTS, ERROR_CODES, presentationOf, type ApiError } from '@sluice/wire';
import { findGroup } from '../find-group.js';
import { Pace } from './pace.js';
import { submitDurable } from '../submit-durable.js';
import { NotMineAnyMore, type BatchDeps } from './batch-deps.js';
import { lineRequest, type LineRequest } from './line-request.js';
import { OpenLines, type OpenLine } from './open-lines.js';

/** Submitted in one go, then the cursor moves. */
const CHUNK_LINES = 500;
const CHUNK_BYTES = 4 * 1024 * 1024;
const LOOK_MS = { first: 10, most: 500 };
/** While lines end fast, it is looked as soon as so many may have ended: the workers shall not stand still meanwhile. */
const LOOK_EACH_LINES = 25;
/** Of the window: a chunk as large as all of it would end before the next one is there. */
const CHUNK_SHARE = 0.25;
/** Nothing may be submitted on a word that is older: who was frozen may have been replaced. */
const WORD_MS = 5_000;
const AGAIN_MS = 500;
/** No line ended for so long: the records are looked at. It also is what a slow model takes. */
const QUIET_MS = 30_000;

/**
 * While somebody waits for calls, lines come slower and in small packs: what is said to each of a hundred lines at a time stands
 * between a call and each of its own steps. All batches that run share it.
 */
const BESIDE_CALLS = { chunkLines: 16, perSecond: 300 };

type Entry = readonly [line: number, request: LineRequest];

/**
 * Lines become jobs, a window of them at a time, as those before them end; until all are done, or the batch is over.
 *
 * A line is run once because (a) its job's id is always the same, so that accepting it twice makes one job, and (b) its
 * record is not freed before the cursor has passed it, and `begin` has put the cursor to 0 before this driver asked which
 * lines are done: whatever ends after that question has its record still when this driver comes to it.
 */
export async function runLines(batch: BatchRow, stop: AbortSignal, deps: BatchDeps): Promise<BatchRow> {
  const run = new LineRun(batch, stop, deps);
  await run.begin();
  await run.look();
  try {
    for await (const lines of deps.inputLines(batch.inputFileId)) {
      if (run.ending === undefined) await run.feed(lines);
      else await run.adopt(lines);
    }
  } catch (error) {
    if (!(error instanceof FileGone)) throw error; // what was begun is waited for; the rest never will be
  }
  return run.end();
}

class LineRun {
  private readonly open: OpenLines;
  private done = new Set<number>();
  /** Whose calls its lines stand beside. */
  private readonly groups = new Set<string>();
  /** Why lines are begun no more; undefined: they are. */
  ending: BatchEnding | undefined;
  /** Done when this driver began, and submitted since. */
  private submitted = 0;
  private chunk: FileLine[] = [];
  private chunkBytes = 0;
  /** Lines of the next chunk, at most. */
  private room = 0;
  private roomAtMs = -Infinity;
  /** When the row was last seen to be ours, monotonic ms. */
  private wordAtMs = 0;
  private readonly pace = new Pace();
  private lastDone = -1;
  private lastChangeMs = performance.now();

  constructor(
    private batch: BatchRow,
    private readonly stop: AbortSignal,
    private readonly deps: BatchDeps,
  ) {
    this.open = new OpenLines(batch.id, deps);
  }

  async begin(): Promise<void> {
    this.done = new Set(await this.deps.results.doneLines(this.batch.id));
    this.submitted = this.done.size;
  }

  async feed(lines: readonly FileLine[]): Promise<void> {
    for (const line of lines) {
      if (this.done.has(line.number)) continue;
      if (this.chunk.length === 0) await this.untilRoom();
      if (this.ending !== undefined) return this.adopt([line]);
      this.chunk.push(line);
      this.chunkBytes += line.bytes!.length;
      const isFull = this.chunk.length >= this.room || this.chunkBytes >= CHUNK_BYTES;
      if (isFull) await this.flush();
    }
  }

  /** Of a batch that ends: lines that an earlier driver made jobs of are ended and waited for like this one's own. */
  async adopt(lines: readonly FileLine[]): Promise<void> {
    const jobs = new Map<number, OpenLine>();
    for (const { number, bytes } of lines) {
      if (this.done.has(number) || this.open.has(number)) continue;
      const line = lineRequest(this.batch, number, bytes!, this.deps.nowMs());
      if (line.kind === 'mistake') continue;
      const found = findGroup(line.request, this.deps.submit());
      if (found.kind === 'found') jobs.set(number, await this.jobOf(number, found.group));
    }
    const looks = await this.deps.lines.look([...jobs.values()]);
    [...jobs].forEach(([number, job], i) => {
      if (looks[i]!.state === undefined) return;
      this.open.add(number, job);
      this.submitted++;
    });
  }

  async end(): Promise<BatchRow> {
    if (this.ending === undefined) await this.flush();
    if (this.ending === undefined) await this.pauseUntil(() => this.outstanding === 0);
    while (this.outstanding > 0) {
      await this.open.cancel(this.ending!);
      const before = this.outstanding;
      await this.pauseUntil(() => this.outstanding < before);
    }
    return this.batch;
  }

  /** The row as it is now, and whether that ends the run. */
  async look(): Promise<void> {
    const { id, epoch } = this.batch;
    this.take(await this.deps.progress.look(id, epoch));
    this.ending ??= endingOf(this.batch, this.deps.nowMs());
  }

  private take(batch: BatchRow | undefined): void {
    this.stop.throwIfAborted();
    if (batch === undefined) throw new NotMineAnyMore();
    this.batch = batch;
    this.wordAtMs = performance.now();
    const done = doneOf(batch);
    this.pace.see(done, this.wordAtMs);
    if (done === this.lastDone) return;
    this.lastDone = done;
    this.lastChangeMs = this.wordAtMs;
  }

  private get outstanding(): number {
    return Math.max(0, this.submitted - doneOf(this.batch));
  }

  /** Until there is room for a chunk: chunks of one line would cost a look each. */
  private async untilRoom(): Promise<void> {
    const batches = await this.deps.progress.running();
    const window = batchWindow(this.deps.capacity(), batches, this.pace.perSecond);
    const chunk = Math.ceil(window * CHUNK_SHARE);
    await this.pauseUntil(() => window - this.outstanding >= chunk);
    this.room = Math.min(chunk, CHUNK_LINES);
    if (await this.deps.isCalled(this.groups)) await this.giveWay(batches);
    this.roomAtMs = performance.now();
  }

  private async giveWay(batches: number): Promise<void> {
    const { chunkLines, perSecond } = BESIDE_CALLS;
    this.room = Math.min(this.room, chunkLines);
    const dueAtMs = this.roomAtMs + (1_000 * this.room * Math.max(1, batches)) / perSecond;
    const leftMs = dueAtMs - performance.now();
    if (leftMs > 0) await pause(Math.min(leftMs, WORD_MS), undefined, { signal: this.stop });
  }

  /** Looks at the row, less and less often, until it is so; or until the batch ends, when it did not before. */
  private async pauseUntil(isSo: () => boolean): Promise<void> {
    const { ending } = this;
    for (let ms = LOOK_MS.first; !isSo(); ms = Math.min(ms * 1.5, this.lookWithinMs)) {
      await pause(ms, undefined, { signal: this.stop });
      const before = this.lastDone;
      await this.look();
      if (this.ending !== ending) return;
      if (this.lastDone !== before) ms = LOOK_MS.first;
      if (performance.now() - this.lastChangeMs > QUIET_MS) {
        this.lastChangeMs = performance.now();
        await this.open.lookAtRecords();
      }
    }
  }

  private get lookWithinMs(): number {
    return Math.max(LOOK_MS.first, Math.min(LOOK_MS.most, (1_000 * LOOK_EACH_LINES) / this.pace.perSecond));
  }

  /** Submits the chunk, all of it, however long Redis or the queue's bounds take; then moves the cursor. */
  private async flush(): Promise<void> {
    if (this.chunk.length === 0) return;
    const chunk = this.chunk;
    this.chunk = [];
    this.chunkBytes = 0;
    const requests = chunk.map(
      ({ number, bytes }) => [number, lineRequest(this.batch, number, bytes!, this.deps.nowMs())] as const,
    );
    const failed: DoneLine[] = [];
    let left: readonly Entry[] = requests;
    while (left.length > 0 && this.ending === undefined) {
      if (performance.now() - this.wordAtMs > WORD_MS) await this.look();
      left = await this.submit(left, failed);
      if (left.length > 0) await pause(AGAIN_MS, undefined, { signal: this.stop });
    }
    if (failed.length > 0) await this.deps.results.write(failed);
    this.submitted += chunk.length - left.length;
    const unsure = new Set(left.map(([number]) => number)); // it ended meanwhile; an earlier driver may have submitted them
    if (unsure.size > 0) await this.adopt(chunk.filter(({ number }) => unsure.has(number)));
    const [first, last] = [chunk[0]!.number, chunk.at(-1)!.number];
    this.take(await this.deps.progress.advance(this.batch.id, this.batch.epoch, last));
    await this.open.free(await this.deps.results.doneBetween(this.batch.id, first, last));
    if (this.open.size > 4 * this.outstanding + CHUNK_LINES) await this.open.forgetDone();
  }

  private async submit(requests: readonly Entry[], failed: DoneLine[]): Promise<Entry[]> {
    const again: Entry[] = [];
    await Promise.all(
      requests.map(async (entry) => {
        const [number, line] = entry;
        const refused = line.kind === 'mistake' ? line.error : await this.submitOne(number, line).catch(() => AWAY);
        if (refused === undefined) return;
        const { status, retryable } = ERROR_CODES[refused.code];
        if (line.kind === 'job' && retryable && (status === 429 || status === 503)) again.push(entry);
        else failed.push(this.failedLine(number, line, refused));
      }),
    );
    return again;
  }

  private async submitOne(
    number: number,
    { request, traits }: Extract<LineRequest, { kind: 'job' }>,
  ): Promise<ApiError | undefined> {
    const submit = this.deps.submit();
    const found = findGroup(request, submit);
    if (found.kind === 'refused') return found.error;
    this.groups.add(found.group);
    const job = await this.jobOf(number, found.group);
    const submitted = await submitDurable({ ...request, fixed: job }, traits, submit);
    if (submitted.kind === 'refused') return submitted.error;
    this.open.add(number, job);
    return undefined;
  }

  private async jobOf(number: number, group: string): Promise<OpenLine> {
    const { id, createdAtMs } = this.batch;
    return { group, jobId: lineJobId(id, number, createdAtMs, await this.deps.numberOfGroup(group)) };
  }

  private failedLine(number: number, line: LineRequest, error: ApiError): DoneLine {
    const { id, dialect, endpoint, createdAtMs } = this.batch;
    const customId = line.kind === 'mistake' ? line.customId : line.traits.batch!.customId;
    const identity = { customId, jobId: lineJobId(id, number, createdAtMs, 0) };
    const body = presentationOf(endpoint)!.error(error);
    const content = BATCH_DIALECTS[dialect].errored(identity, error, body);
    return { batchId: id, line: number, ended: 'errored', content, inputTokens: 0, outputTokens: 0 };
  }
}

const AWAY: ApiError = { code: 'storage_unavailable', message: '' };

const doneOf = ({ succeeded, errored, cancelled, expired }: BatchRow): number =>
  succeeded + errored + cancelled + expired;
