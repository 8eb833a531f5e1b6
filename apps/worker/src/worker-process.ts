import type { ProviderClient } from '@sluice/providers';
import type { Settings } from '@sluice/config';
import type { DeadWorkerReaper, InferenceWorkers, LeftOverJobs, WorkerBeat } from '@sluice/queue';
import type { BreakerNews, BudgetWatch, DeploymentBreakers, RedisClock, SeenDeployments } from '@sluice/state';
import type { Emit } from '@sluice/telemetry';
import type { ServedGroups } from './served-groups.js';
import type { RunningRole } from './roles/role.js';
import type { SuspectsProcess } from './suspects-process.js';

export interface WorkerParts {
  workerId: string;
  groups: readonly string[];
  concurrency: number;
  served: ServedGroups;
  /** What it does beside running jobs. */
  roles: readonly RunningRole[];
  /** Absent: this process runs suspects and nothing else. */
  leftOver: LeftOverJobs | undefined;
  setLogLevel: (level: Settings['logLevel']) => void;
  clock: RedisClock;
  inference: InferenceWorkers;
  /** Absent: suspects are not run by a process of this worker's. */
  suspects: SuspectsProcess | undefined;
  beat: WorkerBeat;
  reaper: DeadWorkerReaper;
  breakers: DeploymentBreakers;
  breakerNews: BreakerNews;
  seen: SeenDeployments;
  budgets: BudgetWatch;
  providers: ProviderClient;
  emit: Emit;
}

/** What lives in a worker, started and stopped in the order that loses nothing. */
export class WorkerProcess {
  private stopping: Promise<void> | undefined;
  private emptying: Promise<unknown> | undefined;

  constructor(private readonly parts: WorkerParts) {}

  async start(): Promise<void> {
    const {
      workerId,
      groups,
      concurrency,
      clock,
      inference,
      beat,
      reaper,
      leftOver,
      roles,
      breakerNews,
      seen,
      budgets,
      emit,
    } = this.parts;
    await clock.start();
    await Promise.all([seen.start(), budgets.start()]);
    await breakerNews.start();
    await beat.start(); // before the first job: a group without a beating worker takes no calls
    await inference.start(groups);
    await reaper.start();
    leftOver?.start();
    await Promise.all(roles.map((role) => role.start()));
    emit('worker.started', { workerId, groups: [...groups], concurrency });
  }

  /** Puts other settings in force. Runs go on with those that they began with. */
  reconfigure(settings: Settings): Promise<void> {
    this.parts.setLogLevel(settings.logLevel);
    for (const role of this.parts.roles) role.reconfigure?.(settings);
    return this.parts.served.reconfigure(settings);
  }

  /** Jobs that run may finish in the drain time, the others are handed back. Beats go on until then. */
  stop(): Promise<void> {
    this.stopping ??= this.drain();
    return this.stopping;
  }

  /**
   * An operator's wish (`POST /v1/workers/ID/drain`): from now on it takes no jobs, and lets go those that it has as when it is
   * stopped. It goes on to beat, so that it is seen; whoever started it stops it.
   */
  takeNoMore(): void {
    this.empty().catch(() => undefined); // `stop` tells
  }

  private empty(): Promise<unknown> {
    const { workerId, inference, suspects, beat, served, emit } = this.parts;
    if (this.emptying !== undefined) return this.emptying;
    emit('worker.draining', { workerId, running: inference.busy });
    served.stop();
    void beat.leaveGroups().catch(() => undefined); // Redis away: nobody can be told, and the silence tells
    this.emptying = Promise.all([inference.stop(), suspects?.stop()]);
    return this.emptying;
  }

  private async drain(): Promise<void> {
    const { workerId, leftOver, roles, clock, beat, reaper } = this.parts;
    const { breakers, breakerNews, seen, budgets, providers, emit } = this.parts;
    const startedAt = performance.now();
    reaper.stop();
    leftOver?.stop();
    await this.empty();
    await Promise.all(roles.map((role) => role.stop())); // after the last ends were written
    await beat.stop();
    clock.stop();
    breakerNews.stop();
    seen.stop();
    budgets.stop();
    breakers.stop();
    await providers.stop();
    emit('worker.drained', { workerId, durationMs: Math.round(performance.now() - startedAt) });
  }
}
