import { join } from 'node:path';
import type { Settings, WorkerRole } from '@sluice/config';
import { openFileStorage } from '@sluice/files';
import type { JobRecords } from '@sluice/queue';
import { openRedis, type Connections } from '@sluice/state';
import type { LazyDatabase } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import { DeliveryQueue, EndpointBook, EventPublisher, SecretBox } from '@sluice/webhooks';
import { eventOfBatch } from '../batches/batch-event.js';
import { BatchRole } from '../batches/batch-role.js';
import type { ServedGroups } from '../served-groups.js';
import { LedgerRole } from './ledger-role.js';
import type { RunningRole } from './role.js';
import { WebhookRole } from './webhook-role.js';

export interface RoleParts {
  workerId: string;
  connections: Pick<Connections, 'commands' | 'subscriber' | 'disk'>;
  database: LazyDatabase;
  records: JobRecords;
  served: ServedGroups;
  /** Model groups whose ledgers are read, now. */
  ledgerGroups: () => readonly string[];
  /** Redis TIME: this process ran a call that somebody waited for. */
  calledAtMs: () => number;
  nowMs: () => number;
  emit: Emit;
  onError: (error: Error) => void;
}

/** Those that a worker has beside running jobs. */
export function rolesOf(settings: Settings, redisUrl: string, parts: RoleParts): RunningRole[] {
  const { workerId, connections, database, records, served, ledgerGroups, calledAtMs, nowMs, emit, onError } = parts;
  const { commands, subscriber, disk } = connections;
  const box = new SecretBox(settings.bodyKey);
  const deliveries = new DeliveryQueue(commands);
  const wake = (): void => deliveries.announce();
  const publisher = new EventPublisher({ queue: deliveries, book: new EndpointBook(commands), box, wake });
  const roles: Partial<Record<WorkerRole, () => RunningRole>> = {
    ledger: () =>
      new LedgerRole({
        redis: commands,
        subscriber,
        disk,
        database,
        consumer: workerId,
        groups: ledgerGroups,
        nowMs,
        emit,
        onError,
      }),
    webhooks: () =>
      new WebhookRole({
        workerId,
        redis: commands,
        subscriber,
        disk,
        database,
        databaseRunsAnyway: settings.databaseUrl !== undefined,
        webhooks: settings.webhooks,
        box,
        publisher,
        groups: ledgerGroups,
        nowMs,
        emit,
        onError,
      }),
    batches: () =>
      new BatchRole({
        workerId,
        redis: commands,
        subscriber,
        openHasty: () => openRedis(redisUrl, { role: 'api', onError: () => undefined }), // `commands` tells of outages
        database,
        storage: openFileStorage(join(settings.dataDir, 'files'), settings.filesInS3),
        records,
        served,
        groups: ledgerGroups,
        capacity: settings.workerConcurrency,
        calledAtMs,
        announce: async (batch) => {
          const event = eventOfBatch(batch);
          if (event !== undefined) await publisher.publish(event);
        },
        nowMs,
        onError,
      }),
  };
  return settings.workerRoles.flatMap((role) => roles[role]?.() ?? []);
}
