import { Controller, Get, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tenantOf } from '../../request-options.js';
import { noSuchJob } from '../job-finder.js';
import { JobList, type JobPage } from './job-list.js';
import { readListQuery } from './list-query.js';

/** The long list of durable jobs, and of those that failed for good (API.md 4). */
@Controller(['v1', ''])
export class JobListsController {
  constructor(private readonly list: JobList) {}

  @Get('jobs')
  jobs(@Query() query: Record<string, unknown>, @Req() request: FastifyRequest): Promise<JobPage> {
    return this.page(query, request, false);
  }

  @Get('dead-letters')
  deadLetters(@Query() query: Record<string, unknown>, @Req() request: FastifyRequest): Promise<JobPage> {
    return this.page(query, request, true);
  }

  private async page(query: Record<string, unknown>, request: FastifyRequest, isDeadLetter: boolean): Promise<JobPage> {
    const read = readListQuery(query);
    const page = await this.list.page(read, tenantOf(request.headers), isDeadLetter);
    if (page === undefined) throw noSuchJob(read.after!);
    return page;
  }
}
