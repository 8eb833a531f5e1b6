import type { Provider } from '@nestjs/common';
import { DurableRecords, GroupsOfIds, JobRecords, QueueView } from '@sluice/queue';
import { Connections, RedisClock } from '@sluice/state';
import { framesFrom, hasStream, Inbox, replayPage } from '@sluice/stream';
import { EndpointBook, ErasedJobs } from '@sluice/webhooks';
import { LiveSettings } from '../../live-settings.js';
import { lookAtJob } from '../../look-at-job.js';
import { JOB_EVENTS_DEPS, JOBS_DEPS, RESPONSES_DEPS } from '../../tokens.js';
import { KeptFiles } from '../files/kept-files.js';
import type { HttpTimes } from '../http-times.js';
import { OpenCalls } from '../open-calls.js';
import type { ResponsesDeps } from '../responses/responses-deps.js';
import { ResponsesController } from '../responses/responses.controller.js';
import { StoredResponses } from '../responses/stored-responses.js';
import { checkCallback } from '../webhooks/job-callback.js';
import { BulkJobsController } from './bulk.controller.js';
import { KeptJobs } from './history/kept-jobs.js';
import { readJobEnd } from './job-end.js';
import { JobEventsController, type JobEventsDeps } from './job-events.controller.js';
import { JobFinder } from './job-finder.js';
import type { JobsDeps } from './jobs-deps.js';
import { JobsController } from './jobs.controller.js';
import { outputSoFar } from './output-so-far.js';

export const JOB_CONTROLLERS = [BulkJobsController, JobsController, JobEventsController, ResponsesController];

/** What the routes of durable jobs, of their events and of stored responses need beside the module's own. */
export function jobProviders(times: HttpTimes): Provider[] {
  return [
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
      ): JobsDeps => {
        const erased = new ErasedJobs(commands);
        return {
          finder,
          kept,
          records,
          durable: new DurableRecords(commands, disk),
          inbox,
          openCalls,
          eraseDeliveries: (jobId) => erased.note([jobId], finder.nowMs()),
          checkCallback: (webhook, tenant) => checkCallback(webhook, tenant, live.settings, book),
          lookAt: (group) => lookAtJob(commands, records, group),
          outputSoFar: (found) => outputSoFar(commands, records, found),
        };
      },
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
  ];
}
