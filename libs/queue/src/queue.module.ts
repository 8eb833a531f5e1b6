import { BullModule, getQueueToken, getSharedConfigToken } from '@nestjs/bullmq';
import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import type { Queue, QueueOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { groupQueueOptions } from './group-queue.js';
import { InferenceQueues } from './inference-queues.js';
import type { JobEnvelope } from './job-envelope.js';
import { JobRecords } from './job-records.js';
import type { Disk } from './on-disk.js';

export interface QueueModuleOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Model groups known at start. */
  groups: readonly string[];
  /** An open connection. Who opened it closes it, after the queues. */
  useFactory: FactoryProvider<{ redis: Redis; disk: Disk | undefined }>['useFactory'];
  inject: NonNullable<FactoryProvider['inject']>;
}

const SHARED = getSharedConfigToken();
const groupToken = (group: string): string => `group/${group}`; // apart from the names of fixed queues to come

/** The queues that the api adds to, over one connection. The workers' side is InferenceWorkers. */
@Module({})
export class QueueModule {
  static with({ groups, imports = [], inject, useFactory }: QueueModuleOptions): DynamicModule {
    return {
      module: QueueModule,
      imports: [
        ...imports,
        BullModule.forRootAsync({
          imports,
          inject,
          useFactory: async (...args: unknown[]) => ({ connection: (await useFactory(...args)).redis }),
        }),
        BullModule.registerQueueAsync(
          ...groups.map((group) => ({ name: groupToken(group), useFactory: () => groupQueueOptions(group) })),
        ),
      ],
      providers: [
        {
          provide: JobRecords,
          inject: [...inject],
          useFactory: async (...args: unknown[]) => {
            const { redis, disk } = await useFactory(...args);
            return new JobRecords(redis, 'nowhere', disk);
          },
        },
        {
          provide: InferenceQueues,
          inject: [SHARED, JobRecords, ...groups.map((group) => getQueueToken(groupToken(group)))],
          useFactory: ({ connection }: QueueOptions, records: JobRecords, ...queues: Queue<JobEnvelope>[]) => {
            for (const queue of queues) queue.on('error', () => undefined);
            return new InferenceQueues(
              connection as Redis,
              records,
              groups.map((group, index) => [group, queues[index]!] as const),
            );
          },
        },
      ],
      exports: [InferenceQueues, JobRecords],
    };
  }
}
