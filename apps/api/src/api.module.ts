import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Settings } from '@sluice/config';
import {
  DurableRecords,
  GroupsOfIds,
  InferenceQueues,
  JobRecords,
  openGate,
  QueueControl,
  QueueModule,
  QueueView,
} from '@sluice/queue';
import {
  Connections,
  ConnectionsModule,
  KeyClaims,
  Leases,
  PromisedAnswers,
  readSeen,
  readSpentBudgets,
  RedisClock,
  StorageGuard,
} from '@sluice/state';
import { LazyDatabase, StoreModule, type DatabaseSource } from '@sluice/store';
import { framesFrom, hasStream, Inbox, replayPage, type LookAtRecord } from '@sluice/stream';
import { EndpointBook, ErasedJobs, SecretBox } from '@sluice/webhooks';
import type { Emit } from '@sluice/telemetry';
import { BATCH_CONTROLLERS, batchProviders } from './http/batches/batch-providers.js';
import { ChatCompletionsController } from './http/chat-completions.controller.js';
import { ConfigController } from './http/config.controller.js';
import { DeploymentsController, type DeploymentsDeps } from './http/deployments.controller.js';
import { ErrorFilter } from './http/error.filter.js';
import type { UploadRoute } from './http/files/upload-route.js';
import { HealthController, type HealthDeps } from './http/health.controller.js';
import { Once } from './http/idempotency/once.js';
import type { HttpTimes } from './http/http-times.js';
import type { MasterKey } from './http/master-key.js';
import { BulkJobsController } from './http/jobs/bulk.controller.js';
import { readJobEnd } from './http/jobs/job-end.js';
import { JobEventsController, type JobEventsDeps } from './http/jobs/job-events.controller.js';
import { HISTORY_CONTROLLERS, historyProviders } from './http/jobs/history/history-providers.js';
import { KeptJobs } from './http/jobs/history/kept-jobs.js';
import { KeptFiles } from './http/files/kept-files.js';
import { JobFinder } from './http/jobs/job-finder.js';
import { JobsController } from './http/jobs/jobs.controller.js';
import type { JobsDeps } from './http/jobs/jobs-deps.js';
import { outputSoFar } from './http/jobs/output-so-far.js';
import { MessagesController } from './http/messages/messages.controller.js';
import { ModelsController } from './http/models.controller.js';
import { WorkersController } from './http/workers.controller.js';
import { QueuesController } from './http/queues.controller.js';
import { OpenaiCallsController } from './http/openai-calls.controller.js';
import { OpenCalls } from './http/open-calls.js';
import type { ReplyDeps } from './http/reply-deps.js';
import { ResponsesController } from './http/responses/responses.controller.js';
import type { ResponsesDeps } from './http/responses/responses-deps.js';
import { StoredResponses } from './http/responses/stored-responses.js';
import { checkCallback } from './http/webhooks/job-callback.js';
import { WEBHOOK_CONTROLLERS, webhookProviders } from './http/webhooks/webhook-providers.js';
import { endUnattended } from './end-unattended.js';
import { lookAtJob } from './look-at-job.js';
import { LiveSettings } from './live-settings.js';
import { DEPLOYMENTS_DEPS, HEALTH_DEPS, JOB_EVENTS_DEPS, JOBS_DEPS, REPLY_DEPS, RESPONSES_DEPS } from './tokens.js';

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
        ResponsesController,
        MessagesController,
        OpenaiCallsController,
        ModelsController,
        HealthController,
        ConfigController,
        DeploymentsController,
        QueuesController,
        BulkJobsController,
        JobsController,
        JobEventsController,
        ...BATCH_CONTROLLERS,
        ...WEBHOOK_CONTROLLERS,
        WorkersController,
        ...HISTORY_CONTROLLERS,
      ],
      providers: [
        OpenCalls,
        ...historyProviders(emit),
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
          provide: QueueView,
          inject: [Connections],
          useFactory: ({ commands }: Connections) => new QueueView(commands),
        },
        {
          provide: QueueControl,
          inject: [Connections, JobRecords],
          useFactory: ({ commands }: Connections, records: JobRecords) => new QueueControl(commands, records),
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
        {
          provide: JobFinder,
          inject: [Connections, JobRecords, QueueView, RedisClock, KeptJobs],
          useFactory: (
            { commands }: Connections,
            records: JobRecords,
            queues: QueueView,
            { nowMs }: RedisClock,
            kept: KeptJobs,
          ) => new JobFinder(records, new GroupsOfIds(commands), queues, kept, nowMs),
        },
        {
          provide: JOBS_DEPS,
          inject: [Connections, JobFinder, KeptJobs, JobRecords, Inbox, OpenCalls, LiveSettings, EndpointBook],
          useFactory: (
            { commands, disk }: Connections,
            finder: JobFinder,
            kept: KeptJobs,
            records: JobRecords,
            inbox: Inbox,
            openCalls: OpenCalls,
            live: LiveSettings,
            book: EndpointBook,
          ): JobsDeps => ({
            finder,
            kept,
            records,
            durable: new DurableRecords(commands, disk),
            inbox,
            openCalls,
            eraseDeliveries: (jobId) => new ErasedJobs(commands).note([jobId], finder.nowMs()),
            checkCallback: (webhook, tenant) => checkCallback(webhook, tenant, live.settings, book),
            lookAt: (group) => lookAtJob(commands, records, group),
            outputSoFar: (found) => outputSoFar(commands, records, found),
          }),
        },
        {
          provide: JOB_EVENTS_DEPS,
          inject: [Connections, JOBS_DEPS, JobRecords, Inbox],
          useFactory: (
            { commands }: Connections,
            { finder, openCalls, lookAt, durable }: JobsDeps,
            records: JobRecords,
            inbox: Inbox,
          ): JobEventsDeps => ({
            finder,
            openCalls,
            lookAt,
            times,
            replay: (group, jobId, page) => replayPage(commands, group, jobId, page),
            follow: (jobId, look, from) => inbox.follow(jobId, look, from),
            join: (group, jobId) => records.join(group, jobId, inbox.channel),
            readEnd: (job) => readJobEnd(job, records),
            readAsked: ({ group, jobId }) => durable.asked(group, jobId),
            frames: ({ group, jobId }) => framesFrom(commands, group, jobId, 1),
          }),
        },
        {
          provide: RESPONSES_DEPS,
          inject: [Connections, JOBS_DEPS, JOB_EVENTS_DEPS, JobRecords, KeptFiles],
          useFactory: (
            { commands }: Connections,
            jobs: JobsDeps,
            events: JobEventsDeps,
            records: JobRecords,
            files: KeptFiles,
          ): ResponsesDeps => ({
            files,
            ...jobs,
            stored: new StoredResponses(jobs.finder, records),
            durables: jobs.durable,
            records,
            events,
            hasStream: ({ group, jobId }) => hasStream(commands, group, jobId),
          }),
        },
        {
          provide: DEPLOYMENTS_DEPS,
          inject: [Connections, RedisClock],
          useFactory: ({ commands }: Connections, { nowMs }: RedisClock): DeploymentsDeps => {
            const leases = new Leases(commands);
            return {
              look: (group, ids) => leases.look(group, ids),
              seen: (needs) => readSeen(commands, leases, needs),
              spent: ({ deployments }, { budgets }) =>
                readSpentBudgets(commands, {
                  budgets: () => budgets,
                  homeOf: (id) => deployments.get(id)?.group,
                  nowMs,
                }),
              reset: async ({ group, id }, servedIn) => {
                await leases.reset(group, id);
                await Promise.all(servedIn.map((each) => openGate(commands, each)));
              },
              nowMs,
              random: Math.random,
            };
          },
        },
        {
          provide: HEALTH_DEPS,
          inject: [Connections, OpenCalls, LiveSettings, LazyDatabase],
          useFactory: (
            { commands }: Connections,
            openCalls: OpenCalls,
            live: LiveSettings,
            store: LazyDatabase,
          ): HealthDeps => ({
            pingRedis: () => commands.ping(),
            store,
            isDraining: () => openCalls.isDraining,
            eventLoopStuckMs: watchEventLoop(),
            unhealthyDeployments: () => unhealthyDeployments(live.settings, new Leases(commands)),
            checkKey: (headers) => masterKey.check(headers),
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

/** Longest block of the event loop in the last minute or so. */
function watchEventLoop(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: 100 });
  histogram.enable();
  setInterval(() => histogram.reset(), 60_000).unref();
  return () => histogram.max / 1e6;
}

async function unhealthyDeployments({ models }: Settings, leases: Leases): Promise<ReadonlySet<string>> {
  const unhealthy = new Set<string>();
  for (const group of models.groups.values()) {
    const ids = group.deployments.filter((d) => d.group === group.name).map((d) => d.id);
    for (const status of await leases.look(group.name, ids)) {
      if (status.breaker !== 'closed') unhealthy.add(status.deploymentId);
    }
  }
  return unhealthy;
}
