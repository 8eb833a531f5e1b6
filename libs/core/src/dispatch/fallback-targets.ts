import type { RoutingPolicy } from '../deployment.js';
import type { Consequence } from '../failure.js';

/**
 * The one list that a failure of the asked group leads to; lists are never joined. Looked up by the exact name, the name
 * without its provider prefix, then `*`. Source: LITELLM.md 3.
 * @param wanted what the failure that ended the group asks for; `general` also where it had no capacity
 * @param asked the caller's own list (`fallbacks` in the body, `x-sluice-fallbacks`); empty: none wanted
 */
export function fallbackTargets(
  group: string,
  wanted: Consequence['fallback'],
  policy: Pick<RoutingPolicy, 'fallbacks' | 'contextWindowFallbacks' | 'contentPolicyFallbacks'>,
  asked: readonly string[] | undefined,
): readonly string[] {
  if (wanted === 'none') return [];
  if (asked !== undefined) return asked;
  if (wanted === 'content_policy') return entryOf(policy.contentPolicyFallbacks, group) ?? [];
  if (wanted === 'context_window') {
    const own = entryOf(policy.contextWindowFallbacks, group);
    if (own !== undefined) return own;
  }
  return entryOf(policy.fallbacks, group) ?? [];
}

function entryOf(lists: ReadonlyMap<string, readonly string[]>, group: string): readonly string[] | undefined {
  return lists.get(group) ?? lists.get(group.slice(group.indexOf('/') + 1)) ?? lists.get('*');
}
