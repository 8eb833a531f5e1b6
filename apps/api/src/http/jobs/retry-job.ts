import { resolveModel } from '@sluice/core';
import {
  NOT_RETAINED,
  submitRetry,
  type DurableRequest,
  type DurableTraits,
  type InferenceJob,
  type KeyedCall,
  type RequestOptions,
  type SubmitDeps,
} from '@sluice/pipeline';
import type { DurableRecords } from '@sluice/queue';
import type { DurableJob } from '@sluice/wire';
import { ApiException } from '../api-error.js';
import { readRequestOptions } from '../request-options.js';
import type { FoundJob } from './job-finder.js';
import type { JobsDeps } from './jobs-deps.js';
import { inBody, type Submitter } from './read-create.js';
import { edited, isEdited, type RetryEdits } from './retry-edits.js';
import { translatedCall } from '../translated-call.js';

/**
 * Tries a job again that is over: as a new job, which has what it had and all of its clocks from the start.
 * @throws 409 job_not_terminal, request_not_retained, and what refuses any new job
 */
export async function retryJob(
  found: FoundJob,
  edits: RetryEdits,
  submitter: Submitter & { same?: KeyedCall | undefined },
  submit: SubmitDeps,
  { finder, durable }: Pick<JobsDeps, 'finder' | 'durable'>,
): Promise<{ jobId: string; isNew: boolean }> {
  const { request, traits } = await againOf(found, edits, submitter, submit, durable);
  const { jobId, group, snapshot } = found;
  const ended = { jobId, group, retriedAs: snapshot.retriedAs };
  const retried = await submitRetry(ended, request, traits, submitter.same, {
    ...submit,
    durable,
    lookFor: async (id) => {
      const looked = await finder.lookFor(id, submitter.tenant);
      if (looked === undefined) return undefined;
      const { outcome, retriedAs } = looked.snapshot;
      if (outcome === undefined) await submit.records.onDisk.accepted(looked.group, id); // who made it may still wait for that
      return { isOver: outcome !== undefined, retriedAs };
    },
  });
  if (retried.kind === 'refused') throw new ApiException(retried.error);
  return { jobId: retried.jobId, isNew: retried.kind === 'accepted' };
}

/** The job as a new one: what was asked, edited, with what its submitter had said. */
async function againOf(
  { jobId, group, snapshot }: FoundJob,
  edits: RetryEdits,
  { hasMasterKey, requestId }: Submitter,
  { models, isStrict }: SubmitDeps,
  durable: Pick<DurableRecords, 'asked'>,
): Promise<{ request: DurableRequest; traits: DurableTraits }> {
  if (snapshot.outcome === undefined) {
    throw new ApiException({ code: 'job_not_terminal', message: `The job is ${snapshot.state}: cancel it first, or wait.` }, jobId); // prettier-ignore
  }
  const asked = snapshot.durable === undefined ? undefined : await durable.asked(group, jobId);
  if (asked === undefined) {
    throw new ApiException(NOT_RETAINED, jobId);
  }
  const before = JSON.parse(snapshot.durable!) as DurableJob;
  const isModel = (name: string): boolean => resolveModel(models, name, isStrict).kind === 'found';
  const body = edited(JSON.parse(asked.toString()), edits);
  const source = isEdited(edits) ? Buffer.from(JSON.stringify(body)) : asked;
  const call = inBody(() => translatedCall(before.endpoint, body, { source }));
  const options = inBody(() => readRequestOptions({}, call.asked, isModel, hasMasterKey));
  const job = JSON.parse(snapshot.job) as InferenceJob;
  return {
    request: {
      source: call.source,
      endpoint: call.endpoint,
      beta: job.beta,
      body: call.body,
      asked: call.isTranslated ? source : undefined,
      options: { ...options, ...saidBefore(before, job, edits) },
      requestId,
    },
    traits: traitsOf(before, jobId),
  };
}

/** What headers and members said of it then, unless the edits say something else. */
function saidBefore(before: DurableJob, job: InferenceJob, { patch }: RetryEdits): Partial<RequestOptions> {
  const fromMs = Math.max(before.createdAtMs, before.notBeforeMs ?? 0);
  const kept = <Value>(value: Value, ...members: string[]): Value | undefined =>
    members.some((member) => Object.hasOwn(patch, member)) ? undefined : value;
  const said: Partial<RequestOptions> = {
    tenant: before.tenant,
    tier: kept(before.priority, 'priority', 'service_tier'),
    deadlineMs: before.deadlineMs - fromMs,
    queueTtlMs: before.queueExpiresAtMs === undefined ? undefined : before.queueExpiresAtMs - fromMs,
    timeoutMs: kept(job.timeoutMs, 'timeout'),
    streamTimeoutMs: kept(job.streamTimeoutMs, 'stream_timeout'),
    maxAttempts: kept(job.maxAttempts, 'num_retries'),
    fallbacks: kept(job.fallbacks, 'fallbacks', 'disable_fallbacks'),
    tags: kept(job.tags, 'tags', 'metadata'),
    region: kept(job.region, 'allowed_model_region'),
    rejectWhenFull: false,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** A line of a batch has had its outcome there: tried again it is a job like others. */
function traitsOf(before: DurableJob, retriedFrom: string): DurableTraits {
  const { kind, endpoint, metadata, webhook, midstream, retention } = before;
  return {
    kind: kind === 'batch' ? 'native' : kind,
    endpoint,
    metadata,
    retention,
    retriedFrom,
    ...(webhook === undefined ? {} : { webhook }),
    ...(midstream === undefined ? {} : { midstream }),
  };
}
