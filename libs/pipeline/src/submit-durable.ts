import { lineOf, type Kept } from '@sluice/core';
import type { InferenceQueues } from '@sluice/queue';
import type { ApiError, DurableJob } from '@sluice/wire';
import { findGroup } from './find-group.js';
import type { InferenceJob } from './inference-job.js';
import { prepareJob, type JobTimes } from './prepare-job.js';
import type { InferenceRequest } from './inference-request.js';
import { refusal, STORAGE_FULL, type SubmitDeps } from './submit-inference.js';

export interface DurableDeps extends Pick<
  SubmitDeps,
  'models' | 'policy' | 'isStrict' | 'hasRoom' | 'newJobId' | 'seal' | 'nowMs'
> {
  queues: Pick<InferenceQueues, 'accept' | 'abandon'>;
}

export interface DurableRequest extends InferenceRequest {
  /** The caller's own body, where `source` is a translation of it. */
  asked?: Buffer | undefined;
  /** By whom the job is known already: a claim of an Idempotency-Key, a line of a batch. Then it is safe to repeat. */
  fixed?: { jobId: string; group: string } | undefined;
  /** More come with it: it goes to the backlog, where a feeder takes them in turn. */
  isOneOfMany?: boolean;
}

/** What a submitter says beside the request; the rest of DurableJob follows from the request and its options. */
export type DurableTraits = Pick<
  DurableJob,
  'kind' | 'endpoint' | 'metadata' | 'notBeforeMs' | 'webhook' | 'batch' | 'retriedFrom' | 'midstream'
> & { retention?: Partial<DurableJob['retention']> | undefined };

export type SubmittedDurable =
  { kind: 'accepted'; job: InferenceJob; durable: DurableJob } | { kind: 'refused'; error: ApiError };

const DAY_MS = 86_400_000;
const RESULT_MS = DAY_MS;
/** A result that goes when it is fetched, and that nobody fetches. */
const UNFETCHED_MS = DAY_MS;
const DEAD_LETTER_MS = 7 * DAY_MS;

/**
 * Takes in a job that outlives its caller's connection: it waits for a worker and for capacity, until its queue time or its
 * deadline ends. Nobody follows it; whoever wants to joins (`JobRecords.join`).
 * @throws when Redis does not answer: what is not `fixed` is cancelled as soon as it does
 */
export async function submitDurable(
  request: DurableRequest,
  traits: DurableTraits,
  deps: DurableDeps,
): Promise<SubmittedDurable> {
  const { source, options, asked, fixed } = request;
  const found = findGroup(request, deps);
  if (found.kind === 'refused') return found;
  const hasRoom = deps.hasRoom();
  if (hasRoom !== true && !(await hasRoom)) return { kind: 'refused', error: STORAGE_FULL };

  const times = timesOf(request, traits, deps.nowMs());
  const { jobId, group } = fixed ?? { jobId: deps.newJobId(found.group), group: found.group };
  const plain = prepareJob(request, { jobId, group, routed: found.routed }, times, deps.policy);
  const { kind, midstream } = traits;
  const job: InferenceJob = { ...plain, durable: { kind, ...(midstream === undefined ? {} : { midstream }) } };
  const durable = durableOf(request, { ...traits, ...sealed(traits, deps) }, job);
  const accepting = deps.queues.accept(group, {
    jobId,
    request: source,
    job: JSON.stringify(job),
    replyTo: '',
    deadlineMs: job.deadlineMs,
    dueInMs: job.dueAtMs - job.acceptedAtMs,
    startInMs: job.startByMs - job.acceptedAtMs,
    isLone: false,
    line: lineOf(options.tenant, options.tier, deps.policy.backlog),
    bounds: deps.policy.backlog.bounds,
    tokens: found.mayAllServe && job.stickTo === undefined ? job.tokens : undefined,
    asked,
    durable: { about: JSON.stringify(durable), notBeforeMs: durable.notBeforeMs },
    kept: keptOf(durable.retention, asked !== undefined),
    toBacklog: request.isOneOfMany === true || durable.kind === 'batch' || durable.notBeforeMs !== undefined,
  });
  const accepted = await accepting.catch((error: unknown) => {
    if (fixed === undefined) deps.queues.abandon(group, jobId); // its caller got an error, and knows no id to ask for
    throw error;
  });
  if (accepted.kind !== 'accepted') return { kind: 'refused', error: refusal(accepted, group) };
  return { kind: 'accepted', job, durable };
}

/** All of its clocks begin when it may start. */
export function timesOf(
  { options }: DurableRequest,
  { notBeforeMs = 0 }: DurableTraits,
  acceptedAtMs: number,
): JobTimes {
  const fromMs = Math.max(acceptedAtMs, notBeforeMs);
  const deadlineMs = fromMs + (options.deadlineMs ?? DAY_MS);
  const dueAtMs = Math.min(deadlineMs, fromMs + (options.queueTtlMs ?? DAY_MS));
  return { acceptedAtMs, deadlineMs, startByMs: dueAtMs, dueAtMs };
}

function durableOf({ options }: DurableRequest, traits: DurableTraits, job: InferenceJob): DurableJob {
  const { resultMs = RESULT_MS, ...asked } = traits.retention ?? {};
  return {
    ...traits,
    tenant: options.tenant,
    model: job.model,
    priority: options.tier,
    createdAtMs: job.acceptedAtMs,
    queueExpiresAtMs: job.dueAtMs,
    deadlineMs: job.deadlineMs,
    retention: { ...asked, resultMs },
  };
}

/** Where its end is told, with a secret that is as it is kept. A job that is tried again brings it so. */
function sealed({ webhook }: DurableTraits, { seal }: Pick<DurableDeps, 'seal'>): Pick<DurableTraits, 'webhook'> {
  if (webhook === undefined || 'endpointId' in webhook) return {};
  return { webhook: { ...webhook, secret: seal(webhook.secret) } };
}

/** @param isTranslated its answer says again what was asked: the one is kept with the other, unless it is not to be */
function keptOf({ requestMs, resultMs: asked }: DurableJob['retention'], isTranslated: boolean): Kept {
  const resultMs = asked === 0 ? UNFETCHED_MS : asked;
  return {
    resultMs,
    requestMs: requestMs ?? (isTranslated ? resultMs : 0),
    deadLetterMs: requestMs ?? DEAD_LETTER_MS,
  };
}
