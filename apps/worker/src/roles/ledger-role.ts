import { LedgerReader, type LedgerReaderOptions } from '@sluice/queue';
import { HistoryWriter, type LazyDatabase } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import type { Redis } from 'ioredis';
import type { RunningRole } from './role.js';

export interface LedgerRoleParts extends Pick<LedgerReaderOptions, 'consumer' | 'groups' | 'disk' | 'onError'> {
  redis: Redis;
  subscriber: Redis;
  database: LazyDatabase;
  nowMs: () => number;
  emit: Emit;
}

/**
 * Writes the history of durable jobs from their ledger, off the path of any call. Without PostgreSQL the ledger waits in
 * Redis; in a process that was given none, what happened is let go.
 */
export class LedgerRole implements RunningRole {
  private readonly reader: LedgerReader;

  constructor({ redis, subscriber, database, consumer, groups, disk, nowMs, emit, onError }: LedgerRoleParts) {
    const onDropped = (partitions: string[]): void => emit('history.dropped', { partitions });
    const history = new HistoryWriter(database, { nowMs, onError, onDropped });
    this.reader = new LedgerReader(redis, subscriber, {
      consumerGroup: 'history',
      consumer,
      groups,
      disk,
      onError,
      onOverflow: (group, entries) => emit('ledger.overflowed', { group, entries }),
      handle: async (group, entries) => {
        if (database.isConfigured) await history.append(group, entries);
      },
    });
  }

  start(): Promise<void> {
    return this.reader.start();
  }

  stop(): Promise<void> {
    return this.reader.stop();
  }
}
