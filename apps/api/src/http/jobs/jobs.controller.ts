import { Body, Controller, Delete, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { submitDurable, submitDurableOnce } from '@sluice/pipeline';
import type { JobView } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { JOBS_DEPS } from '../../tokens.js';
import { ApiException } from '../api-error.js';
import { REPLAYED } from '../idempotency/come-back.js';
import { keyedCall } from '../idempotency/same-call.js';
import { SHUTTING_DOWN } from '../reply-deps.js';
import { preferenceOf, tenantOf } from '../request-options.js';
import { answerOfJob } from './answer-of-job.js';
import { cancelJob } from './cancel-job.js';
import type { JobsDeps } from './jobs-deps.js';
import { readLookQuery } from './look-query.js';
import { bytesOfBody, readCreate, submitterOf } from './read-create.js';
import { readRetryEdits } from './retry-edits.js';
import { retryJob } from './retry-job.js';
import { waitForEnd } from './wait-for-end.js';

/** Durable jobs: submitted, looked at, fetched (API.md 4). */
@Controller(['v1', ''])
export class JobsController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(JOBS_DEPS) private readonly deps: JobsDeps,
  ) {}

  @Post('jobs')
  async create(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const { submit } = this.live; // once: a reload must not change it half way
    const { openCalls, finder } = this.deps;
    if (openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
    const preference = preferenceOf(request.headers);
    const submitter = submitterOf(request);
    const create = readCreate(body, () => bytesOfBody(request.source!), submitter, submit);
    await this.deps.checkCallback(create.traits.webhook, submitter.tenant);
    const same = keyedCall(request, submitter.tenant);
    const submitted =
      same === undefined
        ? await submitDurable(create.request, create.traits, submit)
        : await submitDurableOnce(create.request, same, create.traits, submit);
    if (submitted.kind === 'refused') throw new ApiException(submitted.error);
    const { jobId, group } = submitted.kind === 'exists' ? submitted : submitted.job;
    if (submitted.kind === 'exists') reply.headers(REPLAYED);
    if (preference.isAsync) reply.header('preference-applied', 'respond-async');
    else if (preference.waitMs !== undefined) {
      reply.header('preference-applied', `wait=${preference.waitMs / 1_000}`);
      const waiting = waitForEnd({ group, jobId }, preference.waitMs, goneOf(reply), this.deps);
      await waiting.catch(() => undefined); // it is accepted: with Redis away its submitter is told so, and not of an error
    }
    const found = await finder.accepted(submitted);
    const isOver = preference.waitMs !== undefined && found.snapshot.outcome !== undefined;
    reply.code(isOver || submitted.kind === 'exists' ? 200 : 202);
    reply.headers({ location: `/v1/jobs/${jobId}`, 'x-sluice-job-id': jobId });
    return finder.view(found);
  }

  @Get('jobs/:id')
  async one(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const tenant = tenantOf(request.headers);
    const { finder } = this.deps;
    const { waitMs, includesOutput } = readLookQuery(query);
    let found = await finder.findEver(id, tenant);
    if (waitMs > 0 && found.snapshot.outcome === undefined) {
      await waitForEnd(found, waitMs, goneOf(reply), this.deps);
      found = await finder.find(id, tenant);
    }
    reply.header('x-sluice-job-id', id);
    const view = await finder.view(found);
    return includesOutput ? { ...view, output_so_far: await this.deps.outputSoFar(found) } : view;
  }

  @Get('jobs/:id/result')
  async result(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { finder, durable } = this.deps;
    const found = await finder.findEver(id, tenantOf(request.headers));
    const { status, body } = await answerOfJob(found, durable, finder.nowMs());
    reply.header('x-sluice-job-id', id).header('content-type', 'application/json; charset=utf-8');
    if (status !== 200) reply.header('x-should-retry', 'false'); // it is how the job ended, whoever asks again
    void reply.code(status).send(body);
  }

  @Post('jobs/:id/cancel')
  async cancel(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const tenant = tenantOf(request.headers);
    const { finder } = this.deps;
    await cancelJob(await finder.find(id, tenant), this.deps);
    reply.code(200).header('x-sluice-job-id', id);
    return finder.view(await finder.find(id, tenant));
  }

  @Post('jobs/:id/retry')
  async retry(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobView> {
    const { submit } = this.live; // once: a reload must not change it half way
    const { openCalls, finder } = this.deps;
    if (openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
    const submitter = submitterOf(request);
    const found = await finder.findEver(id, submitter.tenant);
    const same = keyedCall(request, submitter.tenant);
    const { jobId, isNew } = await retryJob(found, readRetryEdits(body), { ...submitter, same }, submit, this.deps);
    reply.code(isNew ? 202 : 200).headers({ location: `/v1/jobs/${jobId}`, 'x-sluice-job-id': jobId });
    return finder.view(await finder.find(jobId, submitter.tenant));
  }

  /** The job, its result, its events, its row in the history, what was told of it: all of it. */
  @Delete('jobs/:id')
  async erase(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
  ): Promise<{ id: string; object: 'job'; deleted: true }> {
    const tenant = tenantOf(request.headers);
    const { group, snapshot } = await this.deps.finder.findEver(id, tenant);
    const verdict = await this.deps.durable.erase(group, id, 'erased');
    if (verdict === 'gone') {
      await this.deps.eraseDeliveries(id);
      await this.deps.kept.mark(id, tenant, 'erased');
    }
    if (verdict === 'unfinished') {
      const message = `The job is ${snapshot.state}: cancel it first.`;
      throw new ApiException({ code: 'job_not_terminal', message }, id);
    }
    if (verdict === 'done') await this.deps.kept.settle(group);
    return { id, object: 'job', deleted: true };
  }
}

/** Aborted when the caller leaves. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
