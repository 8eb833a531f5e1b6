import type { RetryClass, RoutingPolicy } from '../deployment.js';
import { consequenceOf, type Consequence } from '../failure.js';
import type { Tried } from './progress.js';

type Policies = Pick<RoutingPolicy, 'retryPolicies'>;
type Failed = Pick<Tried, 'group' | 'kind' | 'status' | 'retryAfterMs' | 'isMock'>;

/**
 * Further attempts that `model_group_retry_policy`, else `retry_policy`, grants in a group after this failure; absent: they
 * do not say, and `num_retries` counts. As in LiteLLM a group's own policy stands in place of the general one, whole.
 */
export function retriesAfter(failed: Failed, { retryPolicies }: Policies): number | undefined {
  if (retryPolicies.size === 0) return undefined;
  const asked = classOf(failed);
  const retries = retryPolicies.get(failed.group) ?? retryPolicies.get('*');
  return asked === undefined ? undefined : retries?.[asked];
}

/**
 * What a failure leads to under this configuration. A 400 and a content filter's refusal end a group, unless a retry policy
 * asks for more of the same; a 400 then goes on to the fallbacks as well. Source: LITELLM.md 8.
 */
export function consequenceUnder(policy: Policies, failed: Failed): Consequence {
  const consequence = consequenceOf(failed);
  if (failed.kind !== 'bad_request' && failed.kind !== 'content_filter') return consequence;
  if ((retriesAfter(failed, policy) ?? 0) === 0) return consequence;
  const fallback = failed.kind === 'bad_request' ? 'general' : consequence.fallback;
  return { ...consequence, another: 'yes', same: 'after_backoff', fallback };
}

/** Asking another deployment of this group would not help. */
export const endsGroup = (policy: Policies, failed: Failed): boolean =>
  failed.isMock === true || consequenceUnder(policy, failed).another === 'no';

/** LiteLLM's exception for a failure; absent where its policies know none. */
function classOf({ kind, status }: Failed): RetryClass | undefined {
  switch (kind) {
    case 'bad_request':
      return 'badRequest';
    case 'content_filter':
      return 'contentPolicy';
    case 'auth':
      return 'authentication';
    case 'not_found':
      return 'notFound';
    case 'timeout':
      return 'timeout';
    case 'rate_limit':
      return 'rateLimit';
    case 'overloaded':
      return 'serviceUnavailable';
    case 'server':
      return status === 502 ? 'badGateway' : 'internalServer';
    case 'network':
    case 'stream_broken':
    case 'malformed':
      return 'internalServer';
    case 'context_length': // never asked of the same model again
    case 'permission':
    case 'quota_exhausted':
    case 'client_gone':
    case 'cancelled':
    case 'deadline':
    case 'departed':
      return undefined;
  }
}
