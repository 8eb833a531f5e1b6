import { LedgerReader, type LedgerReaderOptions } from '@sluice/queue';
import { HistoryWriter, keepPartitions, type LazyDatabase } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import type { Redis } from 'ioredis';
import type { RunningRole } from './role.js';

export interface LedgerRoleParts extends Pick<LedgerReaderOptions, 'consumer' | 'groups' | 'onError'> {
  redis: Redis;
  subscriber: Redis;
  database: LazyDatabase;
  nowMs: () => number;
  emit: Emit;
}

const UPKEEP_EVERY_MS = 3_600_000;

/**
 * Writes the history of durable jobs from their ledger, off the path of any call. Without PostgreSQL the ledger waits in
 * Redis; in a process that was given none, what happened is let go.
 */
export class LedgerRole implements RunningRole {
  private readonly reader: LedgerReader;
  /** Of the last time that partitions were looked after, monotonic. */
  private tendedAt = -Infinity;

  constructor(private readonly parts: LedgerRoleParts) {
    const { redis, subscriber, database, consumer, groups, onError, emit } = parts;
    const history = new HistoryWriter(database, onError);
    this.reader = new LedgerReader(redis, subscriber, {
      consumerGroup: 'history',
      consumer,
      groups,
      onError,
      onOverflow: (group, entries) => emit('ledger.overflowed', { group, entries }),
      handle: async (group, entries) => {
        if (!database.isConfigured) return;
        await this.tendPartitions();
        await history.append(group, entries);
      },
    });
  }

  start(): Promise<void> {
    return this.reader.start();
  }

  stop(): Promise<void> {
    return this.reader.stop();
  }

  /** Before the first row, since rows without a partition of their own lie apart; then as long as there are any. */
  private async tendPartitions(): Promise<void> {
    if (performance.now() - this.tendedAt < UPKEEP_EVERY_MS) return;
    const dropped = await keepPartitions(this.parts.database, this.parts.nowMs());
    this.tendedAt = performance.now();
    if (dropped.length > 0) this.parts.emit('history.dropped', { partitions: dropped });
  }
}
