import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { JobEvents } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { JOB_EVENTS_DEPS } from '../../tokens.js';
import { ApiException } from '../api-error.js';
import { SHUTTING_DOWN } from '../reply-deps.js';
import { tenantOf } from '../request-options.js';
import { attemptsOf, type AttemptList, type AttemptsDeps } from './attempts-of.js';
import { eventfulRecord } from './eventful-job.js';
import { replyWithEvents, type EventsDeps } from './events-reply.js';
import type { FoundJob, JobFinder } from './job-finder.js';
import { startingAfter } from './starting-after.js';

export interface JobEventsDeps extends EventsDeps, AttemptsDeps {
  finder: Pick<JobFinder, 'find'>;
  /** The body that its submitter sent; undefined: it is not kept (any more). */
  readAsked: (found: FoundJob) => Promise<Buffer | undefined>;
}

/** What became of a job: as it happens, or afterwards (API.md 1.7, 4). Any replica tells of any job. */
@Controller(['v1', ''])
export class JobEventsController {
  constructor(@Inject(JOB_EVENTS_DEPS) private readonly deps: JobEventsDeps) {}

  @Get('jobs/:id/events')
  async events(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { finder, openCalls, readAsked } = this.deps;
    if (openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
    const tenant = tenantOf(request.headers);
    const after = startingAfter(query, request.headers);
    const found = await finder.find(id, tenant);
    const job = await eventfulRecord(found, () => readAsked(found));
    await replyWithEvents(job, new JobEvents(job, after), reply, this.deps);
  }

  @Get('jobs/:id/attempts')
  async attempts(@Param('id') id: string, @Req() request: FastifyRequest): Promise<AttemptList> {
    const found = await this.deps.finder.find(id, tenantOf(request.headers));
    return attemptsOf(found, this.deps);
  }
}
