import { randomUUID } from 'node:crypto';
import type { Provider } from '@nestjs/common';
import { JobRecords, LedgerDrain } from '@sluice/queue';
import { Connections, RedisClock } from '@sluice/state';
import { HistoryWriter, JobHistory, LazyDatabase } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import { LiveSettings } from '../../../live-settings.js';
import { JobFinder } from '../job-finder.js';
import { JobList } from './job-list.js';
import { JobListsController } from './job-lists.controller.js';
import { KeptJobs } from './kept-jobs.js';

export const HISTORY_CONTROLLERS = [JobListsController];

/** What the lists of jobs need beside the module's own. */
export function historyProviders(emit: Emit): Provider[] {
  return [
    {
      provide: KeptJobs,
      inject: [Connections, LazyDatabase, RedisClock, LiveSettings],
      useFactory: (
        { commands, disk }: Connections,
        database: LazyDatabase,
        { nowMs }: RedisClock,
        live: LiveSettings,
      ): KeptJobs => {
        const onError = ({ message }: Error): void => emit('internal.error', { area: 'history', message });
        const onDropped = (partitions: string[]): void => emit('history.dropped', { partitions });
        const history = new HistoryWriter(database, { nowMs, onError, onDropped });
        const ledgers = new LedgerDrain(commands, {
          consumerGroup: 'history',
          consumer: `api/${randomUUID()}`,
          handle: (group, entries) => history.append(group, entries),
          disk,
        });
        return new KeptJobs(new JobHistory(database), ledgers, () => [...live.settings.models.groups.keys()]);
      },
    },
    {
      provide: JobList,
      inject: [KeptJobs, JobRecords, JobFinder],
      useFactory: (kept: KeptJobs, records: JobRecords, finder: JobFinder) => new JobList({ kept, records, finder }),
    },
  ];
}
