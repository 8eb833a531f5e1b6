import type { AffinityKind, AffinityPolicy } from '@sluice/core';
import { NOT_YET } from '../report-book.js';
import type { Section } from '../section.js';

const KINDS: Readonly<Partial<Record<string, AffinityKind>>> = {
  session_affinity: 'session',
  prompt_caching: 'prompt',
  deployment_affinity: 'caller',
};
/** Where there are limits and budgets they are kept, whether the list names them or not. */
const ALWAYS_CHECKED = ['enforce_model_rate_limits', 'router_budget_limiting'];
const LATER: Readonly<Partial<Record<string, string>>> = {
  responses_api_deployment_check: 'there are no responses to follow in this version',
  encrypted_content_affinity: 'there are no responses to follow in this version',
  forward_client_headers_by_model_group: NOT_YET,
};

/** `optional_pre_call_checks` and `model_group_affinity_config`: which calls are kept together at one deployment. */
export function readAffinity(router: Section | undefined, isGroup: (name: string) => boolean): AffinityPolicy {
  const ttl = router?.map.entries.get('deployment_affinity_ttl_seconds');
  if (ttl !== undefined)
    router!.book.noEffect(ttl.place, 'who serves a session is computed, not stored: it never runs out');
  const groups = router?.section('model_group_affinity_config');
  const byGroup = new Map<string, readonly AffinityKind[]>();
  for (const [name, node] of groups?.map.entries ?? []) {
    if (!isGroup(name)) groups!.book.noEffect(node.place, 'no model is called so');
    byGroup.set(name, readKinds(groups!, name));
  }
  return { kinds: readKinds(router, 'optional_pre_call_checks'), byGroup };
}

function readKinds(section: Section | undefined, key: string): AffinityKind[] {
  const names = section?.strings(key) ?? [];
  const told = names.flatMap((name) => {
    if (Object.hasOwn(KINDS, name) || ALWAYS_CHECKED.includes(name)) return [];
    return [`${name}: ${LATER[name] ?? 'no check is called so'}`];
  });
  if (told.length > 0) section!.book.harmless(section!.map.entries.get(key)!.place, told.join('; '));
  return names.flatMap((name) => KINDS[name] ?? []);
}
