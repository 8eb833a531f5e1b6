import { join } from 'node:path';
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Settings } from '@sluice/config';
import { InferenceQueues, JobRecords, QueueModule } from '@sluice/queue';
import { Connections, ConnectionsModule, KeyClaims, PromisedAnswers, RedisClock, StorageGuard } from '@sluice/state';
import { StoreModule, type DatabaseSource } from '@sluice/store';
import { Inbox, type LookAtRecord } from '@sluice/stream';
import { SecretBox } from '@sluice/webhooks';
import type { Emit } from '@sluice/telemetry';
import { BATCH_CONTROLLERS, batchProviders } from './http/batches/batch-providers.js';
import { ChatCompletionsController } from './http/chat-completions.controller.js';
import { ConfigController } from './http/config.controller.js';
import { ErrorFilter } from './http/error.filter.js';
import type { UploadRoute } from './http/files/upload-route.js';
import { Once } from './http/idempotency/once.js';
import type { HttpTimes } from './http/http-times.js';
import type { MasterKey } from './http/master-key.js';
import { JOB_CONTROLLERS, jobProviders } from './http/jobs/job-providers.js';
import { OPERATIONS_CONTROLLERS, operationsProviders } from './http/operations-providers.js';
import { HISTORY_CONTROLLERS, historyProviders } from './http/jobs/history/history-providers.js';
import { KeptJobs } from './http/jobs/history/kept-jobs.js';
import { MessagesController } from './http/messages/messages.controller.js';
import { ModelsController } from './http/models.controller.js';
import { OpenaiCallsController } from './http/openai-calls.controller.js';
import { OpenCalls } from './http/open-calls.js';
import type { ReplyDeps } from './http/reply-deps.js';
import { WEBHOOK_CONTROLLERS, webhookProviders } from './http/webhooks/webhook-providers.js';
import { endUnattended } from './end-unattended.js';
import { lookAtJob } from './look-at-job.js';
import { LiveSettings } from './live-settings.js';
import { REPLY_DEPS } from './tokens.js';

const DRAIN = Symbol('DRAIN');

export interface ApiParts {
  masterKey: MasterKey;
  times: HttpTimes;
  emit: Emit;
  setLogLevel: (level: Settings['logLevel']) => void;
  database: DatabaseSource;
  uploads: UploadRoute;
}

/** All wiring of the api process. Plain classes are built here by factories; in libs/ only `*.module.ts` knows Nest. */
@Module({})
export class ApiModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly queues: InferenceQueues,
    private readonly inbox: Inbox,
    private readonly openCalls: OpenCalls,
    private readonly clock: RedisClock,
    private readonly storage: StorageGuard,
    private readonly kept: KeptJobs,
    @Inject(DRAIN) private readonly drain: { streamMs: number; jsonMs: number },
  ) {}

  static with(settings: Settings, redisUrl: string, parts: ApiParts): DynamicModule {
    const { masterKey, times, emit, setLogLevel, database, uploads } = parts;
    const errors = new ErrorFilter(emit);
    const folder = join(settings.dataDir, 'files');
    const connections = ConnectionsModule.to(redisUrl, { role: 'api', durability: settings.durability }, emit);
    const groups = [...settings.models.groups.keys()];
    return {
      module: ApiModule,
      imports: [
        connections,
        StoreModule.with(database),
        QueueModule.with({
          groups,
          imports: [connections],
          inject: [Connections],
          useFactory: ({ commands, disk }: Connections) => ({ redis: commands, disk }),
        }),
      ],
      controllers: [
        ChatCompletionsController,
        MessagesController,
        OpenaiCallsController,
        ModelsController,
        ConfigController,
        ...JOB_CONTROLLERS,
        ...OPERATIONS_CONTROLLERS,
        ...BATCH_CONTROLLERS,
        ...WEBHOOK_CONTROLLERS,
        ...HISTORY_CONTROLLERS,
      ],
      providers: [
        OpenCalls,
        ...historyProviders(emit),
        ...jobProviders(times),
        ...operationsProviders(masterKey),
        { provide: DRAIN, useValue: { streamMs: Math.min(5_000, settings.drainMs), jsonMs: settings.drainMs } },
        { provide: APP_FILTER, useValue: errors },
        ...webhookProviders(settings.bodyKey),
        ...batchProviders({ folder, s3: settings.filesInS3, uploads, errors }),
        {
          provide: RedisClock,
          inject: [Connections],
          useFactory: async ({ commands }: Connections) => started(new RedisClock(commands)),
        },
        {
          provide: Inbox,
          inject: [Connections],
          useFactory: async ({ subscriber, disk }: Connections) =>
            started(new Inbox(subscriber, { looksAtEnds: disk !== undefined })),
        },
        {
          provide: StorageGuard,
          inject: [Connections],
          useFactory: async ({ commands }: Connections) => started(new StorageGuard(commands, emit)),
        },
        {
          provide: KeyClaims,
          inject: [Connections],
          useFactory: ({ commands }: Connections) => new KeyClaims(commands),
        },
        { provide: Once, inject: [KeyClaims], useFactory: (claims: KeyClaims) => new Once(claims) },
        {
          provide: PromisedAnswers,
          inject: [Connections],
          useFactory: ({ commands }: Connections) => new PromisedAnswers(commands),
        },
        {
          provide: LiveSettings,
          inject: [
            Connections,
            InferenceQueues,
            JobRecords,
            Inbox,
            RedisClock,
            StorageGuard,
            KeyClaims,
            PromisedAnswers,
          ],
          useFactory: async (
            { commands }: Connections,
            queues: InferenceQueues,
            records: JobRecords,
            inbox: Inbox,
            clock: RedisClock,
            storage: StorageGuard,
            claims: KeyClaims,
            promises: PromisedAnswers,
          ) => {
            const lookAt = (group: string, outageWaitMs: number): LookAtRecord =>
              endUnattended(lookAtJob(commands, records, group), { records, group, outageWaitMs, nowMs: clock.nowMs });
            const hasRoom = (): boolean | Promise<boolean> => storage.hasRoom();
            const box = new SecretBox(settings.bodyKey);
            const seal = (secret: string): string => box.seal(secret);
            const parts = { redis: commands, queues, records, claims, promises, hasRoom, inbox, lookAt, seal };
            return LiveSettings.of(settings, { ...parts, nowMs: clock.nowMs, masterKey, setLogLevel });
          },
        },
        {
          provide: REPLY_DEPS,
          inject: [JobRecords, OpenCalls],
          useFactory: (records: JobRecords, openCalls: OpenCalls): ReplyDeps => ({
            openCalls,
            times,
            readResult: async ({ group, jobId }) => (await records.look(group, jobId))?.result,
          }),
        },
      ],
    };
  }

  /** Before connections close: they close in onApplicationShutdown, in no fixed order. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.openCalls.drain(this.drain.streamMs, this.drain.jsonMs);
    this.inbox.stop();
    this.clock.stop();
    this.storage.stop();
    await this.kept.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queues.stop();
  }
}

async function started<Service extends { start: () => Promise<void> }>(service: Service): Promise<Service> {
  await service.start();
  return service;
}
