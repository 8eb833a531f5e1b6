import type { ModelTable, RoutingPolicy } from '@sluice/core';
import { firstOf, type Section } from '../section.js';
import { readAffinity } from './read-affinity.js';
import { readAllowedFailsPolicy } from './read-allowed-fails.js';
import { readBacklog } from './read-backlog.js';
import { readBudgets } from './read-budgets.js';
import { readRescue } from './read-rescue.js';
import { checkedChains, readChains, targetsOf, type FallbackChain } from './read-fallbacks.js';
import { readRetryPolicies } from './read-retry-policies.js';
import { readStrategy } from './read-strategy.js';

export interface PolicySections {
  readonly router: Section | undefined;
  readonly litellm: Section | undefined;
  readonly sluice: Section | undefined;
}

/** The router's settings. What stands both in `router_settings` and in `litellm_settings`: the router's wins. */
export function readPolicy(sections: PolicySections, models: ModelTable, strict: boolean): RoutingPolicy {
  const { router, litellm, sluice } = sections;
  const both = <T>(key: string, read: (section: Section, key: string) => T | undefined): T | undefined =>
    firstOf(
      [
        [router, key],
        [litellm, key],
      ],
      read,
    );
  const seconds = (zero: 'allowed' | 'refused') => (section: Section, key: string) => section.seconds(key, { zero });
  const wholeNumber = (section: Section, key: string): number | undefined => section.wholeNumber(key);
  return {
    strategy: readStrategy(router),
    affinity: readAffinity(router, (name) => models.groups.has(name)),
    budgets: readBudgets({ router, litellm }, models),
    numRetries: both('num_retries', wholeNumber) ?? 2,
    retryPolicies: readRetryPolicies(router, models, strict),
    retryAfterMs: both('retry_after', seconds('allowed')) ?? 0,
    timeoutMs:
      firstOf(
        [
          [router, 'timeout'],
          [router, 'request_timeout'],
          [litellm, 'request_timeout'],
          [litellm, 'timeout'],
        ],
        seconds('refused'),
      ) ?? 600_000,
    streamTimeoutMs: router?.seconds('stream_timeout', { zero: 'refused' }),
    idleTimeoutMs: router?.seconds('idle_timeout', { zero: 'refused' }) ?? 30_000,
    connectTimeoutMs: router?.seconds('connect_timeout', { zero: 'refused' }) ?? 5_000,
    allowedFails: both('allowed_fails', wholeNumber),
    allowedFailsPolicy: readAllowedFailsPolicy(router),
    cooldownMs: both('cooldown_time', seconds('allowed')),
    disableCooldowns: router?.flag('disable_cooldowns') ?? false,
    retryBudget: sluice?.number('retry_budget') ?? 0.2,
    fallbacks: readGeneralFallbacks(sections, models, strict),
    contextWindowFallbacks: readFallbacks('context_window_fallbacks', sections, models, strict),
    contentPolicyFallbacks: readFallbacks('content_policy_fallbacks', sections, models, strict),
    maxFallbacks: router?.wholeNumber('max_fallbacks') ?? 5,
    enablePreCallChecks: router?.flag('enable_pre_call_checks') ?? true,
    tagFiltering: readTagFiltering(router),
    outageWaitMs: sluice?.seconds('outage_wait', { zero: 'allowed' }) ?? 10_000,
    waitMs: sluice?.seconds('wait', { zero: 'refused' }) ?? 280_000,
    maxQueueWaitMs: router?.seconds('max_queue_wait', { zero: 'refused' }),
    backlog: readBacklog(sluice),
    ...readRescue(sluice, models),
  };
}

function readTagFiltering(router: Section | undefined): RoutingPolicy['tagFiltering'] {
  const isOn = router?.flag('enable_tag_filtering') ?? false;
  const matchesAny = router?.flag('tag_filtering_match_any') ?? true;
  if (isOn) return { matchesAny };
  const unread = router?.map.entries.get('tag_filtering_match_any');
  if (unread !== undefined) router!.book.noEffect(unread.place, 'enable_tag_filtering is off');
  return undefined;
}

function readGeneralFallbacks(
  sections: PolicySections,
  models: ModelTable,
  strict: boolean,
): Map<string, readonly string[]> {
  const fallbacks = readFallbacks('fallbacks', sections, models, strict);
  const chains = firstOf(
    [
      [sections.router, 'default_fallbacks'],
      [sections.litellm, 'default_fallbacks'],
    ],
    (section, key) => {
      const node = section.node(key);
      if (node === undefined) return undefined;
      return { section, chain: { from: '*', place: node.place, targets: targetsOf(node, section) } };
    },
  );
  if (chains === undefined) return fallbacks;
  const { section, chain } = chains;
  const [general] = checkedChains([chain], models, strict, section).values();
  if (fallbacks.has('*')) section.book.noEffect(chain.place, 'the fallbacks of "*" beat it');
  else fallbacks.set('*', general ?? []);
  return fallbacks;
}

function readFallbacks(
  key: string,
  { router, litellm }: PolicySections,
  models: ModelTable,
  strict: boolean,
): Map<string, readonly string[]> {
  const chains = firstOf<FallbackChain[]>(
    [
      [router, key],
      [litellm, key],
    ],
    readChains,
  );
  const section = router?.has(key) ? router : litellm;
  return chains === undefined || section === undefined ? new Map() : checkedChains(chains, models, strict, section);
}
