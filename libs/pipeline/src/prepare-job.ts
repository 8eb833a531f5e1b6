import { stickToOf, type RoutingPolicy } from '@sluice/core';
import { estimateTokens, type InferenceJob } from './inference-job.js';
import { DEFAULT_TENANT, type InferenceRequest } from './inference-request.js';

/** How long a job may take and wait, Unix ms. */
export type JobTimes = Pick<InferenceJob, 'acceptedAtMs' | 'deadlineMs' | 'startByMs' | 'dueAtMs'>;

/** What the worker is told of a call. */
export function prepareJob(
  { source, endpoint, beta, body, options, requestId, stored, same }: InferenceRequest,
  { jobId, group, routed }: { jobId: string; group: string; routed: string | undefined },
  times: JobTimes,
  policy: RoutingPolicy,
): InferenceJob {
  const { session, tenant } = options;
  const caller = tenant === DEFAULT_TENANT ? undefined : tenant;
  const stickTo = stickToOf(policy.affinity, group, { session, caller, body, bodyBytes: source.length });
  const streamOptions = body['stream_options'] as { include_usage?: unknown } | null | undefined;
  return {
    jobId,
    group,
    model: body.model,
    ...(routed === undefined ? {} : { routed }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(beta === undefined ? {} : { beta }),
    stream: body.stream === true,
    includeUsage: streamOptions?.include_usage === true,
    choices: typeof body['n'] === 'number' ? body['n'] : 1,
    ...times,
    timeoutMs: options.timeoutMs,
    streamTimeoutMs: options.streamTimeoutMs,
    maxAttempts: options.maxAttempts,
    fallbacks: options.fallbacks,
    ...(options.mock === undefined ? {} : { mock: options.mock }),
    rejectWhenFull: options.rejectWhenFull,
    ...(options.tags.length === 0 ? {} : { tags: options.tags }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(stickTo === undefined ? {} : { stickTo }),
    tokens: estimateTokens(source.length, body, endpoint),
    requestId,
    ...(stored === undefined && same?.kind !== 'key' ? {} : { isStored: true }),
  };
}
