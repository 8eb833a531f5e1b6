import { resolveModel, type ModelTable, type RetryClass, type RetryPolicy } from '@sluice/core';
import type { Section } from '../section.js';
import { didYouMean } from './read-aliases.js';

const CLASSES: Readonly<Record<string, RetryClass>> = {
  BadRequestErrorRetries: 'badRequest',
  AuthenticationErrorRetries: 'authentication',
  TimeoutErrorRetries: 'timeout',
  RateLimitErrorRetries: 'rateLimit',
  ContentPolicyViolationErrorRetries: 'contentPolicy',
  InternalServerErrorRetries: 'internalServer',
  ServiceUnavailableErrorRetries: 'serviceUnavailable',
  BadGatewayErrorRetries: 'badGateway',
  NotFoundErrorRetries: 'notFound',
};

/** `model_group_retry_policy` by group, and `retry_policy` under `*`. */
export function readRetryPolicies(
  router: Section | undefined,
  models: ModelTable,
  strict: boolean,
): Map<string, RetryPolicy> {
  const policies = new Map<string, RetryPolicy>();
  const general = router?.section('retry_policy');
  if (general !== undefined) policies.set('*', readRetryPolicy(general));
  const byGroup = router?.section('model_group_retry_policy');
  for (const name of byGroup?.map.entries.keys() ?? []) {
    const written = byGroup!.section(name);
    if (written === undefined) continue;
    const named = models.groups.has(name) || models.aliases.has(name) ? resolveModel(models, name, strict) : undefined;
    if (named?.kind === 'found') policies.set(named.group.name, readRetryPolicy(written));
    else {
      const reason = `no model group is called "${name}"${didYouMean(name, models)}`;
      written.book.noEffect(written.place, reason, 'write a model_name of model_list');
    }
  }
  return policies;
}

function readRetryPolicy(written: Section): RetryPolicy {
  const policy: Partial<Record<RetryClass, number>> = {};
  for (const [key, node] of written.map.entries) {
    const asked = CLASSES[key];
    const retries = asked === undefined ? undefined : written.wholeNumber(key);
    if (asked === undefined) {
      written.book.noEffect(node.place, `unknown class: the classes are ${Object.keys(CLASSES).join(', ')}`);
    } else if (retries !== undefined) policy[asked] = retries;
  }
  return policy;
}
