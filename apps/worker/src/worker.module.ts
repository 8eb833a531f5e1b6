import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Settings } from '@sluice/config';
import { RecentTimes, seenNeeds, type SeenNeeds } from '@sluice/core';
import { failAtPoints, runInference, SlotBook, KnownOutages, WaitingRoom, type RunDeps } from '@sluice/pipeline';
import { ProviderClient } from '@sluice/providers';
import {
  DeadWorkerReaper,
  InferenceWorkers,
  JobRecords,
  LeftOverJobs,
  openGate,
  WorkerBeat,
  type RunJob,
} from '@sluice/queue';
import {
  BreakerNews,
  BudgetWatch,
  Connections,
  ConnectionsModule,
  DeploymentBreakers,
  Leases,
  RedisClock,
  HedgeBudget,
  RetryBudget,
  SeenDeployments,
} from '@sluice/state';
import { LazyDatabase, StoreModule, type DatabaseSource } from '@sluice/store';
import { FrameRelay } from '@sluice/stream';
import type { Emit } from '@sluice/telemetry';
import { expireJob } from './expire-job.js';
import { errorTeller } from './tell-errors.js';
import { LEFT_OVER } from './left-over.js';
import { oneAtATime } from './one-at-a-time.js';
import { rolesOf } from './roles/roles-of.js';
import { groupsNamed, groupsServed, ServedGroups } from './served-groups.js';
import { SuspectsProcess, suspectsWorkerId, type SuspectsRole } from './suspects-process.js';
import { WorkerProcess } from './worker-process.js';

export interface WorkerLog {
  emit: Emit;
  setLevel: (level: Settings['logLevel']) => void;
}

/** All wiring of the worker process. */
@Module({})
export class WorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly worker: WorkerProcess) {}

  static with(
    settings: Settings,
    redisUrl: string,
    log: WorkerLog,
    suspects: SuspectsRole,
    database: DatabaseSource,
  ): DynamicModule {
    const groups = groupsServed(settings);
    return {
      module: WorkerModule,
      imports: [
        ConnectionsModule.to(redisUrl, { role: 'worker', durability: settings.durability }, log.emit),
        StoreModule.with(database),
      ],
      providers: [
        {
          provide: WorkerProcess,
          inject: [Connections, LazyDatabase],
          useFactory: (open: Connections, store: LazyDatabase) =>
            workerProcess(open, store, redisUrl, settings, groups, log, suspects),
        },
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.worker.start();
  }

  /** Before the connections close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.stop();
  }
}

/** The host's name first: `sluice worker --check` in the same container finds its worker by it. */
export const workerIdPrefix = (host: string = hostname()): string => `${host}/`;

const newTag = (): string => randomBytes(4).toString('hex');
/** Beside its drain. */
const CLOSE_MS = 5_000;

function workerProcess(
  { commands, subscriber, disk }: Connections,
  database: LazyDatabase,
  redisUrl: string,
  settings: Settings,
  groups: readonly string[],
  { emit, setLevel }: WorkerLog,
  suspectsRole: SuspectsRole,
): WorkerProcess {
  const runsSuspects = suspectsRole.run === 'here';
  const workerId = runsSuspects
    ? suspectsWorkerId(process.pid, suspectsRole.tag)
    : `${workerIdPrefix()}${process.pid}-${newTag()}`;
  const onError = errorTeller(emit);
  const records = new JobRecords(commands, suspectsRole.run);
  const clock = new RedisClock(commands);
  const leases = new Leases(commands);
  const providers = new ProviderClient({ nowMs: clock.nowMs }); // dates in headers, whatever this machine's clock says
  const breakers = new DeploymentBreakers();
  const breakerNews = new BreakerNews(subscriber, leases, breakers, () => served.deployments(), onError);
  const needs = (): SeenNeeds => seenNeeds(served.models, served.policy.strategy);
  const seen = new SeenDeployments(commands, leases, needs, onError);
  const budgets = new BudgetWatch(commands, {
    budgets: () => served.policy.budgets,
    homeOf: (id) => served.models.deployments.get(id)?.group,
    nowMs: clock.nowMs,
    onError,
  });
  const concurrency = runsSuspects ? 1 : settings.workerConcurrency;
  const deps: RunDeps = {
    workerId,
    runsSuspects,
    records,
    leases,
    hedges: new HedgeBudget(commands),
    firstContents: new RecentTimes(),
    retries: new RetryBudget(commands),
    breakers,
    seen,
    budgets,
    providers,
    emit,
    models: settings.models,
    policy: settings.policy,
    isStrict: settings.strictNames,
    frames: new FrameRelay(commands, clock.nowMs),
    waitingRoom: new WaitingRoom(),
    outages: new KnownOutages(),
    slots: new SlotBook(concurrency, (group) => served.models.groups.get(group)?.deployments.map(({ id }) => id) ?? []),
    nowMs: clock.nowMs,
    failAt: settings.failpoints && failAtPoints(settings.failpoints),
    random: Math.random,
  };
  let calledAtMs = -Infinity;
  const calledSinceBeat = new Set<string>();
  const run: RunJob = (group, turn, stop, hooks) => {
    if (turn.replyTo !== '') {
      calledAtMs = clock.nowMs();
      calledSinceBeat.add(group);
    }
    return runInference(group, turn, stop, hooks, served.depsFor(group));
  };
  const inference: InferenceWorkers = new InferenceWorkers(commands, subscriber, {
    workerId,
    concurrency,
    onError,
    drainMs: settings.drainMs,
    run: runsSuspects ? oneAtATime(run) : run,
    suspectsRun: suspectsRole.run,
    onDrain: () => worker.takeNoMore(),
    onSuspects: (isolated) => {
      if (isolated) emit('job.isolated', isolated);
      suspects?.seen();
    },
    expire: (group, job) => expireJob(records, group, job),
  });
  const suspects =
    suspectsRole.run === 'elsewhere'
      ? new SuspectsProcess({
          newTag,
          emit,
          onError,
          launch: suspectsRole.launch,
          crashed: (dead) => inference.suspectsCrashed(dead),
          stopMs: settings.drainMs + CLOSE_MS,
        })
      : undefined;
  const reaper = new DeadWorkerReaper(
    commands,
    workerId,
    (dead, jobsFreed) => emit('worker.declared_dead', { workerId: dead, jobsFreed }),
    onError,
  );
  const beat = new WorkerBeat(commands, {
    workerId,
    groups,
    concurrency,
    runsSuspects,
    running: () => inference.busy,
    onError: (error) => {
      reaper.postpone();
      onError(error);
    },
    wasCalled: (group) => calledSinceBeat.delete(group),
    alsoOnBeat: () => leases.renewAll(),
  });
  const served: ServedGroups = new ServedGroups(deps, {
    groups,
    named: groupsNamed(settings),
    records,
    inference,
    beat,
    providers,
    breakers,
    openGate: (group) => openGate(commands, group),
    emit,
    onError,
  });
  const leftOver = new LeftOverJobs(commands, records, {
    isKnown: (group) => served.isKnown(group),
    outcome: LEFT_OVER,
    onEnded: (group, jobs) => emit('group.jobs_left_over', { group, jobs }),
    onError,
  });
  const ledgerGroups = (): readonly string[] => [...served.ledgers, ...leftOver.forsaken];
  const roles = rolesOf(settings, redisUrl, {
    workerId,
    connections: { commands, subscriber, disk },
    database,
    records,
    served,
    ledgerGroups,
    calledAtMs: () => calledAtMs,
    nowMs: clock.nowMs,
    emit,
    onError,
  });
  const worker: WorkerProcess = new WorkerProcess({
    workerId,
    groups,
    roles,
    served,
    leftOver: runsSuspects ? undefined : leftOver,
    setLogLevel: setLevel,
    concurrency,
    clock,
    inference,
    suspects,
    beat,
    reaper,
    breakers,
    breakerNews,
    seen,
    budgets,
    providers,
    emit,
  });
  return worker;
}
