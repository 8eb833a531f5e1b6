import type { ModelTable, RoutingPolicy } from '@sluice/core';
import { readLines, type FileStorage } from '@sluice/files';
import { driveBatch, recordLines, type BatchDeps, type OverLine } from '@sluice/pipeline';
import {
  BatchQueue,
  BatchWorker,
  calledSince,
  InferenceQueues,
  JobRecords,
  LedgerReader,
  LineRecords,
  numbersOfGroups,
  Uploads,
} from '@sluice/queue';
import {
  BatchCatalog,
  BatchProgress,
  BatchResults,
  FileCatalog,
  StoreUnavailable,
  type LazyDatabase,
} from '@sluice/store';
import type { LedgerEntry } from '@sluice/wire';
import type { Redis } from 'ioredis';
import type { RunningRole } from '../roles/role.js';
import { StoredFiles } from './stored-files.js';

export interface BatchRoleParts {
  workerId: string;
  /** Waits while Redis is away: BullMQ's and the ledger's. */
  redis: Redis;
  subscriber: Redis;
  database: LazyDatabase;
  storage: FileStorage;
  records: JobRecords;
  /** A connection whose commands fail at once while Redis is away: no line may be accepted late, when another drives its batch. */
  openHasty: () => Redis;
  served: { readonly models: ModelTable; readonly policy: RoutingPolicy; readonly isStrict: boolean };
  groups: () => readonly string[];
  capacity: number;
  /** Unix ms: this process ran a call that somebody waited for. */
  calledAtMs: () => number;
  announce: BatchDeps['announce'];
  nowMs: () => number;
  onError: (error: Error) => void;
}

/** Batches that were not over when this process looked last may have lost who drove them. */
const SWEEP_EVERY_MS = 10_000;
const SWEEP_AT_MOST = 500;
/** So long after a call the next one may come: batches go slower meanwhile. */
const CALLED_LATELY_MS = 5_000;
const MOST_LINE_BYTES = 10 * 1024 * 1024;

/**
 * The role `batches` of a worker: drives batches, writes the results of their lines, removes files whose time is over. A
 * worker that was given no database leaves batches to those that have one; where nobody has, it acknowledges the ledger's
 * entries, none of which is a line's, so that they can be cut off.
 */
export class BatchRole implements RunningRole {
  private readonly queue: BatchQueue;
  private readonly worker: BatchWorker;
  private readonly ledger: LedgerReader;
  private readonly progress: BatchProgress;
  private readonly uploads: Uploads;
  private readonly files: StoredFiles;
  private readonly hasty: Redis;
  private readonly queues: InferenceQueues;
  /** There are batches, and no database here. */
  private isOthers = false;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(private readonly parts: BatchRoleParts) {
    const { workerId, redis, subscriber, database, storage, nowMs, onError } = parts;
    this.queue = new BatchQueue(redis);
    this.hasty = parts.openHasty();
    this.queues = new InferenceQueues(this.hasty, new JobRecords(this.hasty));
    this.progress = new BatchProgress(database);
    this.uploads = new Uploads(redis);
    const { uploads } = this;
    this.files = new StoredFiles({
      files: new FileCatalog(database),
      batches: new BatchCatalog(database),
      storage,
      uploads,
    });
    const deps = this.depsOf();
    this.worker = new BatchWorker(redis, { workerId, onError, drive: (id, stop) => driveBatch(id, stop, deps) });
    this.ledger = new LedgerReader(redis, subscriber, {
      consumerGroup: 'batches',
      consumer: workerId,
      groups: () => (this.isOthers ? [] : parts.groups()),
      handle: async (group, entries) => {
        const over = overLines(group, entries);
        if (over.length > 0) await recordLines(over, { ...deps, nowMs });
      },
      onError,
      onOverflow: () => undefined, // told by the history's reader
    });
  }

  async start(): Promise<void> {
    if (this.parts.database.isConfigured) this.worker.start();
    await this.ledger.start();
    const sweep = (): void => {
      this.sweeping = this.sweep().catch((error: Error) => {
        if (!(error instanceof StoreUnavailable)) this.parts.onError(error); // the next one comes soon
      });
    };
    this.timer = setInterval(sweep, SWEEP_EVERY_MS);
    sweep();
  }

  /** What is driven is left to others, or to the next start. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.worker.stop();
    await this.ledger.stop();
    await this.sweeping;
    await Promise.all([this.queue.stop(), this.queues.stop()]);
    this.hasty.disconnect();
  }

  /** Nothing was ever stored: the database need not be asked, which would start it. */
  private async sweep(): Promise<void> {
    if (!(await this.uploads.wereEver())) return;
    this.isOthers = !this.parts.database.isConfigured;
    if (this.isOthers) return;
    await this.queue.add(await this.progress.toDrive(SWEEP_AT_MOST));
    await this.files.sweep(this.parts.nowMs());
  }

  private depsOf(): BatchDeps {
    const { redis, database, storage, records, served, capacity, calledAtMs, announce, nowMs } = this.parts;
    const numbers = new Map<string, number>();
    return {
      progress: this.progress,
      results: new BatchResults(database),
      storage,
      inputLines: async function* (fileId) {
        yield* readLines(await storage.read(fileId), MOST_LINE_BYTES);
      },
      records,
      lines: new LineRecords(redis),
      submit: () => ({
        models: served.models,
        policy: served.policy,
        isStrict: served.isStrict,
        queues: this.queues,
        hasRoom: () => true, // a window of lines fills no Redis, and one that is full refuses them by itself
        newJobId: () => '', // lines bring their own
        seal: (secret) => secret, // and have none
        nowMs,
      }),
      numberOfGroup: async (group) => {
        const known = numbers.get(group) ?? (await numbersOfGroups(redis, [group])).get(group)!;
        numbers.set(group, known);
        return known;
      },
      capacity: () => capacity,
      isCalled: async (groups) => {
        const sinceMs = nowMs() - CALLED_LATELY_MS;
        return calledAtMs() >= sinceMs || (await calledSince(this.hasty, groups, sinceMs).catch(() => false));
      },
      announce,
      nowMs,
    };
  }
}

function overLines(group: string, entries: readonly LedgerEntry[]): OverLine[] {
  return entries.flatMap((entry) => {
    const { jobId, durable } = entry;
    if (entry.type !== 'over' || durable.batch === undefined || durable.kind !== 'batch') return [];
    return [{ group, jobId, durable: { ...durable, batch: durable.batch }, outcome: entry.outcome }];
  });
}
