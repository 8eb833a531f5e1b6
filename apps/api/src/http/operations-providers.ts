import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Provider } from '@nestjs/common';
import type { Settings } from '@sluice/config';
import { JobRecords, openGate, QueueControl, QueueView } from '@sluice/queue';
import { Connections, Leases, readSeen, readSpentBudgets, RedisClock } from '@sluice/state';
import { LazyDatabase } from '@sluice/store';
import { LiveSettings } from '../live-settings.js';
import { DEPLOYMENTS_DEPS, HEALTH_DEPS } from '../tokens.js';
import { DeploymentsController, type DeploymentsDeps } from './deployments.controller.js';
import { HealthController, type HealthDeps } from './health.controller.js';
import type { MasterKey } from './master-key.js';
import { OpenCalls } from './open-calls.js';
import { QueuesController } from './queues.controller.js';
import { WorkersController } from './workers.controller.js';

export const OPERATIONS_CONTROLLERS = [HealthController, DeploymentsController, QueuesController, WorkersController];

/** What operators are shown: queues, deployments, health. */
export function operationsProviders(masterKey: MasterKey): Provider[] {
  return [
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
  ];
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
