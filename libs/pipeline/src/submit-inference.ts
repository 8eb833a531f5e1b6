import { fallbackTargets, lineOf, REMEMBERED_MS, type Kept, type ModelTable, type RoutingPolicy } from '@sluice/core';
import type { Accepted, InferenceQueues, JobRecords } from '@sluice/queue';
import type { PromisedAnswers } from '@sluice/state';
import type { Follower, Inbox, LookAtRecord } from '@sluice/stream';
import type { ApiError, Outcome } from '@sluice/wire';
import { claimJob, type ClaimedJob, type SameCall, type SameCallDeps } from './claim-job.js';
import { noWorker } from './no-worker.js';
import { findGroup } from './find-group.js';
import type { InferenceJob } from './inference-job.js';
import type { InferenceRequest } from './inference-request.js';
import { prepareJob, type JobTimes } from './prepare-job.js';

export interface SubmitDeps {
  models: ModelTable;
  policy: RoutingPolicy;
  isStrict: boolean;
  queues: Pick<InferenceQueues, 'accept' | 'abandon'>;
  records: Pick<JobRecords, 'cancel' | 'stateOf' | 'onDisk' | 'join' | 'prepared'>;
  /** Calls that may be an earlier one over again. */
  claims: SameCallDeps['claims'];
  promises: Pick<PromisedAnswers, 'take' | 'promise'>;
  /** Whether new calls are taken: answered at once while there is room. */
  hasRoom: () => boolean | Promise<boolean>;
  inbox: Pick<Inbox, 'channel' | 'follow'>;
  /** @param outageWaitMs time without any worker after which the call is given up */
  lookAt: (group: string, outageWaitMs: number) => LookAtRecord;
  newJobId: (group: string) => string;
  /** A secret of a caller's, as it is kept. */
  seal: (secret: string) => string;
  nowMs: () => number;
}

export type Submitted =
  | {
      kind: 'following';
      job: InferenceJob;
      follower: Follower;
      cancel: () => Promise<void>;
      /** The job is that of an earlier call. */
      isReplayed: boolean;
    }
  | { kind: 'refused'; error: ApiError };

const DEADLINE_MS = 600_000;

/** The api's half of the main path. (Authentication has passed; admission by keys and budgets comes in here.) */
export async function submitInference(request: InferenceRequest, deps: SubmitDeps): Promise<Submitted> {
  const found = findGroup(request, deps);
  if (found.kind === 'refused') return found;
  const hasRoom = deps.hasRoom();
  if (hasRoom !== true && !(await hasRoom)) return refuse(STORAGE_FULL);
  const { group } = found;
  const prepared = prepareJob(request, { ...found, jobId: deps.newJobId(group) }, timesOf(request, deps), deps.policy);
  const claimed = request.same === undefined ? undefined : await claimJob(request.same, prepared, deps);
  if (claimed?.kind === 'refused') return refuse(claimed.error);
  if (claimed?.kind === 'share') return share(claimed, request.same!, deps);
  const job = claimed === undefined ? prepared : asClaimed(prepared, claimed);
  const follower = deps.inbox.follow(job.jobId, deps.lookAt(job.group, deps.policy.outageWaitMs)); // before the job is enqueued
  const isKeyed = request.same?.kind === 'key';
  const enqueued = enqueue(request, job, found.mayAllServe, deps);
  // Another caller with the key may have made it in this moment, and then it answers to that one's inbox.
  const joined = isKeyed ? deps.records.join(job.group, job.jobId, deps.inbox.channel) : undefined;
  const [accepted] = await Promise.all([enqueued, joined]).catch((error: unknown) => {
    follower.close();
    // It may have been accepted all the same, and its caller got an error. With a key the next one finds it.
    if (!isKeyed) deps.queues.abandon(job.group, job.jobId);
    throw error;
  });
  if (accepted.kind !== 'accepted') {
    follower.close();
    await claimed?.settle(false);
    return refuse(refusal(accepted, job.group));
  }
  void claimed?.settle(true);
  if (isKeyed) follower.lookNow();
  return { kind: 'following', job, follower, cancel: () => cancel(job, deps), isReplayed: false };
}

/** Under the id and in the group that the claim has fixed, which an earlier call may have done under another configuration. */
function asClaimed(job: InferenceJob, { jobId, group }: { jobId: string; group: string }): InferenceJob {
  const isRouted = job.routed !== undefined && group !== job.group;
  return { ...job, jobId, group, ...(isRouted ? { routed: group } : {}) };
}

/** The answer of an earlier call's job, from its start: what has been, then what comes. */
async function share(
  { group, jobId }: Extract<ClaimedJob, { kind: 'share' }>,
  same: SameCall,
  deps: SubmitDeps,
): Promise<Submitted> {
  const follower = deps.inbox.follow(jobId, deps.lookAt(group, deps.policy.outageWaitMs));
  try {
    const [, json] = await Promise.all([
      deps.records.join(group, jobId, deps.inbox.channel),
      deps.records.prepared(group, jobId),
    ]);
    if (json === undefined) {
      follower.close();
      return refuse(DATA_LOST);
    }
    follower.lookNow();
    const job = JSON.parse(json) as InferenceJob;
    // Who shares a key's job leaves without ending it for the others; a repeated call has nobody else.
    const leave = same.kind === 'key' ? () => Promise.resolve() : () => cancel(job, deps);
    return { kind: 'following', job, follower, cancel: leave, isReplayed: true };
  } catch (error) {
    follower.close();
    throw error;
  }
}

const DATA_LOST: ApiError = {
  code: 'storage_unavailable',
  message: 'The job of this call was lost between two looks at it. Repeat the call.',
};

/** When a call that is waited for must have begun and ended. */
function timesOf({ body, options }: InferenceRequest, { policy, nowMs }: SubmitDeps): JobTimes {
  const acceptedAtMs = nowMs();
  const deadlineMs = acceptedAtMs + (options.deadlineMs ?? DEADLINE_MS);
  const waitMs = options.waitMs ?? policy.waitMs;
  const waitEndMs = body.stream === true ? deadlineMs : Math.min(deadlineMs, acceptedAtMs + waitMs);
  const queueTtlMs = options.queueTtlMs ?? policy.maxQueueWaitMs;
  const dueAtMs = queueTtlMs === undefined ? deadlineMs : Math.min(deadlineMs, acceptedAtMs + queueTtlMs);
  return { acceptedAtMs, deadlineMs, startByMs: Math.min(waitEndMs, dueAtMs), dueAtMs };
}

function enqueue(
  { source, options, same, stored }: InferenceRequest,
  job: InferenceJob,
  mayAllServe: boolean,
  deps: SubmitDeps,
): Promise<Accepted> {
  const targets = fallbackTargets([job.model, job.group], 'general', deps.policy, job.fallbacks);
  return deps.queues.accept(job.group, {
    jobId: job.jobId,
    request: source,
    job: JSON.stringify(job),
    replyTo: deps.inbox.channel,
    deadlineMs: job.deadlineMs,
    dueInMs: job.dueAtMs - job.acceptedAtMs,
    startInMs: job.rejectWhenFull ? 0 : job.startByMs - job.acceptedAtMs,
    isLone: targets.every((target) => target === job.group),
    line: lineOf(options.tenant, options.tier, deps.policy.backlog),
    bounds: deps.policy.backlog.bounds,
    tokens: mayAllServe && job.stickTo === undefined ? job.tokens : undefined,
    ...(stored !== undefined
      ? { asked: stored.asked, kept: STORED }
      : same?.kind === 'key'
        ? { kept: KEPT_FOR_REPEATS }
        : {}),
  });
}

/** A stored answer goes with what led to it, for whoever goes on from there. Not shorter than the key that finds it. */
const STORED: Kept = { resultMs: REMEMBERED_MS, requestMs: REMEMBERED_MS, deadLetterMs: REMEMBERED_MS };
/** As long as the key that finds it. */
const KEPT_FOR_REPEATS: Kept = { resultMs: REMEMBERED_MS, requestMs: 0, deadLetterMs: 0 };

const CANCELLED: Outcome = { state: 'cancelled', error: { code: 'job_cancelled', message: 'The caller left.' } };

async function cancel({ group, jobId }: InferenceJob, { records }: SubmitDeps): Promise<void> {
  await records.cancel(group, jobId, JSON.stringify(CANCELLED));
}

const refuse = (error: ApiError): Submitted => ({ kind: 'refused', error });

export function refusal(accepted: Exclude<Accepted, { kind: 'accepted' }>, group: string): ApiError {
  switch (accepted.kind) {
    case 'no_worker':
      return noWorker(group);
    case 'no_capacity':
      return { code: 'no_capacity', message: NO_CAPACITY, retryAfterMs: accepted.retryAfterMs };
    case 'queue_full':
      return {
        code: 'queue_full',
        message: QUEUE_FULL[accepted.whose](group),
        retryAfterMs: accepted.retryAfterMs,
      };
  }
}

const QUEUE_FULL = {
  group: (group: string) => `The queue of "${group}" is full. Try again later.`,
  tenant: (group: string) =>
    `You have as many calls in the queue of "${group}" as you may. Try again when some are done.`,
};

export const STORAGE_FULL: ApiError = {
  code: 'storage_full',
  message: 'The queue has no room for new calls. Try again later.',
  retryAfterMs: 5_000,
};

export const NO_CAPACITY =
  'Every deployment of this model is at its limit or told us to wait, for longer than this call may wait.';
