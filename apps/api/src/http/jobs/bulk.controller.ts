import { Body, Controller, Delete, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { submitDurable, submitDurableOnce, type SubmitDeps } from '@sluice/pipeline';
import { ERROR_CODES, type ApiError, type JobView } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { JOBS_DEPS } from '../../tokens.js';
import { apiError, ApiException, storageError } from '../api-error.js';
import { keyedItem } from '../idempotency/same-call.js';
import { idempotencyKey, readIdempotencyKey } from '../idempotency/idempotency-key.js';
import { checkedBody } from '../lean-validation.pipe.js';
import { SHUTTING_DOWN } from '../reply-deps.js';
import { tenantOf } from '../request-options.js';
import { cancelJob } from './cancel-job.js';
import { chooseJobs } from './history/choose-jobs.js';
import { JobList } from './history/job-list.js';
import { noSuchJob } from './job-finder.js';
import type { JobsDeps } from './jobs-deps.js';
import { overIds, type Done } from './over-ids.js';
import { bytesOfBodies, readCreate, submitterOf, type Submitter } from './read-create.js';
import { NO_EDITS } from './retry-edits.js';
import { retryJob } from './retry-job.js';

const MOST_JOBS = 1_000;

type Item = { index: number; job: JobView } | { index: number; error: ReturnType<typeof shown> };

/** Many jobs at a time: submitted, cancelled, tried again; and dead letters put away. */
@Controller(['v1', ''])
export class BulkJobsController {
  constructor(
    private readonly live: LiveSettings,
    private readonly list: JobList,
    @Inject(JOBS_DEPS) private readonly deps: JobsDeps,
  ) {}

  @Post('jobs/bulk')
  async submit(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ accepted: number; rejected: number; data: Item[] }> {
    if (this.deps.openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
    const jobs = checkedBody(body)['jobs'];
    if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > MOST_JOBS) {
      throw apiError('invalid_request', `jobs must be an array of 1 to ${MOST_JOBS} jobs.`, 'jobs');
    }
    const { submit } = this.live; // once: a reload must not change it half way
    const submitter = submitterOf(request);
    const key = idempotencyKey(request.headers);
    const bytes = bytesOfBodies(request.source!);
    // All are written without waiting for any: a thousand take a few round trips.
    const data = await Promise.all(
      jobs.map((job: unknown, index) =>
        this.submitOne(job, bytes[index], { ...submitter, key: key && `${key}#${index}` }, submit).then(
          (view): Item => ({ index, job: view }),
          (thrown: unknown): Item => ({ index, error: shown(thrown) }),
        ),
      ),
    );
    const rejected = data.filter((item) => 'error' in item).length;
    reply.code(202);
    return { accepted: data.length - rejected, rejected, data };
  }

  private async submitOne(
    item: unknown,
    bytes: Buffer | undefined,
    submitter: Submitter & { key: string | undefined },
    submit: SubmitDeps,
  ): Promise<JobView> {
    const { idempotency_key: own, ...create } = checkedBody(item);
    const key = own === undefined ? submitter.key : readIdempotencyKey(own, 'idempotency_key');
    const { request, traits } = readCreate(create, () => bytes, submitter, submit);
    await this.deps.checkCallback(traits.webhook, submitter.tenant);
    const call = { ...request, isOneOfMany: true };
    const submitted =
      key === undefined
        ? await submitDurable(call, traits, submit)
        : await submitDurableOnce(call, keyedItem(submitter.tenant, '/jobs/bulk', key, create), traits, submit);
    if (submitted.kind === 'refused') throw new ApiException(submitted.error);
    const { finder } = this.deps;
    return finder.view(await finder.accepted(submitted));
  }

  @Post('jobs/cancel')
  async cancel(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Done> {
    const tenant = tenantOf(request.headers);
    const chosen = await chooseJobs(body, tenant, this.list, 'unfinished');
    reply.code(200);
    return overIds(chosen, tenant, this.deps.finder, (found) => cancelJob(found, this.deps));
  }

  @Post('jobs/redrive')
  async redrive(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Done> {
    const { submit } = this.live;
    const submitter = submitterOf(request);
    const chosen = await chooseJobs(body, submitter.tenant, this.list, 'dead letters');
    reply.code(200);
    return overIds(chosen, submitter.tenant, this.deps.finder, async (found) => {
      if (found.snapshot.outcome === undefined) return false;
      return (await retryJob(found, NO_EDITS, submitter, submit, this.deps)).isNew;
    });
  }

  /** Only its request goes: the job is shown as long as any other. */
  @Delete('dead-letters/:id')
  async dismiss(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
  ): Promise<{ id: string; object: 'job'; dismissed: true }> {
    // prettier-ignore
    const { finder, durable, kept } = this.deps;
    const tenant = tenantOf(request.headers);
    const { group, snapshot } = await finder.findEver(id, tenant);
    const isDead = snapshot.durable !== undefined && (snapshot.state === 'failed' || snapshot.state === 'expired');
    if (!isDead || snapshot.isDismissed) throw noSuchJob(id);
    const verdict = await durable.erase(group, id, 'dismissed');
    if (verdict === 'gone') await kept.mark(id, tenant, 'dismissed');
    return { id, object: 'job', dismissed: true };
  }
}

/** An error as it stands in an item of the reply. */
function shown(thrown: unknown): { message: string; type: string; param: string | null; code: string } {
  const error = thrown instanceof ApiException ? thrown.error : (storageError(thrown)?.error ?? UNEXPECTED);
  const { code, message, param } = error;
  return { message, type: ERROR_CODES[code].type, param: param ?? null, code };
}

const UNEXPECTED: ApiError = { code: 'internal_error', message: 'Sluice failed on this job.' };
