import type { RoutingPolicy } from '../deployment.js';
import type { Consequence } from '../failure.js';

/**
 * The one list that a failure of the asked group leads to; lists are never joined. Looked up by the exact name, the name
 * without its provider prefix, then `*`. Source: LITELLM.md 3.
 * @param names what the caller wrote, which a pattern's group stands for, and the group
 * @param wanted what the failure that ended the group asks for; `general` also where it had no capacity
 * @param asked the caller's own list (`fallbacks` in the body, `x-sluice-fallbacks`); empty: none wanted
 */
export function fallbackTargets(
  names: readonly string[],
  wanted: Consequence['fallback'],
  policy: Pick<RoutingPolicy, 'fallbacks' | 'contextWindowFallbacks' | 'contentPolicyFallbacks'>,
  asked: readonly string[] | undefined,
): readonly string[] {
  if (wanted === 'none') return [];
  if (asked !== undefined) return asked;
  if (wanted === 'content_policy') return entryOf(policy.contentPolicyFallbacks, names) ?? [];
  if (wanted === 'context_window') {
    const own = entryOf(policy.contextWindowFallbacks, names);
    if (own !== undefined) return own;
  }
  return entryOf(policy.fallbacks, names) ?? [];
}

function entryOf(
  lists: ReadonlyMap<string, readonly string[]>,
  names: readonly string[],
): readonly string[] | undefined {
  if (lists.size === 0) return undefined;
  for (const name of names) {
    const own = lists.get(name) ?? lists.get(name.slice(name.indexOf('/') + 1));
    if (own !== undefined) return own;
  }
  return lists.get('*');
}
