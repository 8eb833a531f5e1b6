import {
  chooseGroup,
  fallbackTargets,
  groupMisfit,
  lineOf,
  misfitsOf,
  resolveModel,
  routedCall,
  stickToOf,
  type CallNeeds,
  type Deployment,
  type Misfit,
  type Mock,
  type ModelTable,
  type ResolvedModel,
  type RouterGroup,
  type RoutingPolicy,
  type Tier,
} from '@sluice/core';
import type { Accepted, InferenceQueues, JobRecords } from '@sluice/queue';
import type { Follower, Inbox, LookAtRecord } from '@sluice/stream';
import type { ApiError, ChatCompletionRequest, Outcome } from '@sluice/wire';
import { noWorker } from './no-worker.js';
import { estimateTokens, type InferenceJob } from './inference-job.js';
import { misfitError } from './misfit-error.js';

export interface SubmitDeps {
  models: ModelTable;
  policy: RoutingPolicy;
  isStrict: boolean;
  queues: Pick<InferenceQueues, 'accept' | 'abandon'>;
  records: Pick<JobRecords, 'cancel'>;
  /** Whether new calls are taken: answered at once while there is room. */
  hasRoom: () => boolean | Promise<boolean>;
  inbox: Pick<Inbox, 'channel' | 'follow'>;
  /** @param outageWaitMs time without any worker after which the call is given up */
  lookAt: (group: string, outageWaitMs: number) => LookAtRecord;
  newJobId: (group: string) => string;
  nowMs: () => number;
}

/** A call as the api read it: the body's bytes travel on untouched. */
export interface InferenceRequest {
  source: Buffer;
  body: ChatCompletionRequest;
  options: RequestOptions;
  requestId: string;
}

/** From headers and body, header first (API.md 1.3). Times in ms. */
export interface RequestOptions {
  waitMs: number | undefined;
  timeoutMs: number | undefined;
  streamTimeoutMs: number | undefined;
  deadlineMs: number | undefined;
  queueTtlMs: number | undefined;
  maxAttempts: number | undefined;
  fallbacks: readonly string[] | undefined;
  /** `mock_…` members of a caller who may use them. */
  mock: Mock | undefined;
  rejectWhenFull: boolean;
  tags: readonly string[];
  /** `allowed_model_region`. */
  region: string | undefined;
  /** Who asks: the calls of each stand in lines of their own when they must wait. */
  tenant: string;
  tier: Tier;
  /** Of a conversation or the like; absent: it says none. */
  session: string | undefined;
}

type FoundModel = Extract<ResolvedModel, { kind: 'found' }>;

export type Submitted =
  | { kind: 'following'; job: InferenceJob; follower: Follower; cancel: () => Promise<void> }
  | { kind: 'refused'; error: ApiError };

/** Who does not say. */
export const DEFAULT_TENANT = 'default';
const DEADLINE_MS = 600_000;

/** The api's half of the main path. (Authentication has passed; admission by keys and budgets comes in here.) */
export async function submitInference(request: InferenceRequest, deps: SubmitDeps): Promise<Submitted> {
  const asked = resolveModel(deps.models, request.body.model, deps.isStrict);
  const routed = asked.kind === 'router' ? route(asked.router, request, deps) : undefined;
  const resolved = routed === undefined ? asked : resolveModel(deps.models, routed, deps.isStrict);
  if (resolved.kind !== 'found') return refuse(unknownModel(request.body.model, nearestOf(resolved)));
  const misfits = plainMisfits(resolved, request.options, deps.policy);
  const misfit = misfits.size === 0 ? undefined : groupMisfit(membersOf(resolved), misfits);
  if (misfit !== undefined) return refuse(misfitError(request.body.model, misfit));
  const hasRoom = deps.hasRoom();
  if (hasRoom !== true && !(await hasRoom)) return refuse(STORAGE_FULL);
  const job = prepareJob(request, resolved.group.name, routed, deps);
  const mayAllServe = resolved.only === undefined && misfits.size === 0;
  const follower = deps.inbox.follow(job.jobId, deps.lookAt(job.group, deps.policy.outageWaitMs)); // before the job is enqueued
  const accepted = await enqueue(request, job, mayAllServe, deps).catch((error: unknown) => {
    follower.close();
    deps.queues.abandon(job.group, job.jobId); // it may have been accepted all the same, and its caller got an error
    throw error;
  });
  if (accepted.kind !== 'accepted') {
    follower.close();
    return refuse(refusal(accepted, job.group));
  }
  return { kind: 'following', job, follower, cancel: () => cancel(job, deps) };
}

/** By the call's own body and the hour: which model a router means. */
function route(router: RouterGroup, { body, options }: InferenceRequest, deps: SubmitDeps): string {
  return chooseGroup(router, routedCall(body, options.tags, deps.nowMs())).use;
}

const nearestOf = (resolved: ResolvedModel): readonly string[] => (resolved.kind === 'unknown' ? resolved.nearest : []);

const membersOf = ({ group, only }: FoundModel): readonly Deployment[] =>
  only === undefined ? group.deployments : group.deployments.filter(({ id }) => only.includes(id));

/** Tags and regions that nobody has: a mistake that needs no queue. What only the body tells is the worker's business. */
function plainMisfits(
  { group }: FoundModel,
  { tags, region }: RequestOptions,
  { tagFiltering }: RoutingPolicy,
): ReadonlyMap<string, Misfit> {
  const call = { tags, region, bodyBytes: 0, needs: () => NO_NEEDS, countTokens: () => undefined };
  return misfitsOf(group, call, { tagFiltering, enablePreCallChecks: false });
}

const NO_NEEDS: CallNeeds = { inputTokens: 0, capabilities: new Set() };

function prepareJob(
  { source, body, options, requestId }: InferenceRequest,
  group: string,
  routed: string | undefined,
  deps: SubmitDeps,
): InferenceJob {
  const { policy } = deps;
  const nowMs = deps.nowMs();
  const stream = body.stream === true;
  const deadlineMs = nowMs + (options.deadlineMs ?? DEADLINE_MS);
  const waitEndMs = stream ? deadlineMs : Math.min(deadlineMs, nowMs + (options.waitMs ?? policy.waitMs));
  const queueTtlMs = options.queueTtlMs ?? policy.maxQueueWaitMs;
  const dueAtMs = queueTtlMs === undefined ? deadlineMs : Math.min(deadlineMs, nowMs + queueTtlMs);
  const { session, tenant } = options;
  const caller = tenant === DEFAULT_TENANT ? undefined : tenant;
  const stickTo = stickToOf(policy.affinity, group, { session, caller, body, bodyBytes: source.length });
  const streamOptions = body['stream_options'] as { include_usage?: unknown } | null | undefined;
  return {
    jobId: deps.newJobId(group),
    group,
    model: body.model,
    ...(routed === undefined ? {} : { routed }),
    stream,
    includeUsage: streamOptions?.include_usage === true,
    choices: typeof body['n'] === 'number' ? body['n'] : 1,
    acceptedAtMs: nowMs,
    deadlineMs,
    startByMs: Math.min(waitEndMs, dueAtMs),
    dueAtMs,
    timeoutMs: options.timeoutMs,
    streamTimeoutMs: options.streamTimeoutMs,
    maxAttempts: options.maxAttempts,
    fallbacks: options.fallbacks,
    ...(options.mock === undefined ? {} : { mock: options.mock }),
    rejectWhenFull: options.rejectWhenFull,
    ...(options.tags.length === 0 ? {} : { tags: options.tags }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(stickTo === undefined ? {} : { stickTo }),
    tokens: estimateTokens(source.length, body),
    requestId,
  };
}

function enqueue(
  { source, options }: InferenceRequest,
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
  });
}

const CANCELLED: Outcome = { state: 'cancelled', error: { code: 'job_cancelled', message: 'The caller left.' } };

async function cancel({ group, jobId }: InferenceJob, { records }: SubmitDeps): Promise<void> {
  await records.cancel(group, jobId, JSON.stringify(CANCELLED));
}

const refuse = (error: ApiError): Submitted => ({ kind: 'refused', error });

function refusal(accepted: Exclude<Accepted, { kind: 'accepted' }>, group: string): ApiError {
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

const STORAGE_FULL: ApiError = {
  code: 'storage_full',
  message: 'The queue has no room for new calls. Try again later.',
  retryAfterMs: 5_000,
};

export const NO_CAPACITY =
  'Every deployment of this model is at its limit or told us to wait, for longer than this call may wait.';

export function unknownModel(model: string, nearest: readonly string[]): ApiError {
  const near = nearest.length > 0 ? ` Nearest names: ${nearest.join(', ')}.` : '';
  const shown = model.length > 200 ? `${model.slice(0, 200)}…` : model;
  return { code: 'model_not_found', message: `There is no model "${shown}".${near}`, param: 'model' };
}
