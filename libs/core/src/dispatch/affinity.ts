import { createHash } from 'node:crypto';

export type AffinityKind = 'session' | 'prompt' | 'caller';

/** `optional_pre_call_checks` as far as they keep calls together, and `model_group_affinity_config`. */
export interface AffinityPolicy {
  readonly kinds: readonly AffinityKind[];
  /** By the name of the group; absent: as all. */
  readonly byGroup: ReadonlyMap<string, readonly AffinityKind[]>;
}

/** What a call may have in common with others. */
export interface AffinityTraits {
  /** Absent: it belongs to none. */
  readonly session: string | undefined;
  /** Absent: nobody in particular. */
  readonly caller: string | undefined;
  readonly bodyBytes: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Providers cache prompts from 1,024 tokens on; at four bytes each. */
const LEAST_CACHED_BYTES = 4_096;

/**
 * What a call shares with those that are to be served where it is, as a hash: neither a session's name nor a prompt stands in
 * a job record. The narrowest first: its session, its prompt, who asks. Undefined: it shares nothing.
 */
export function stickToOf(policy: AffinityPolicy, group: string, traits: AffinityTraits): string | undefined {
  const kinds = policy.byGroup.get(group) ?? policy.kinds;
  if (kinds.includes('session') && traits.session !== undefined) return hashOf('session', traits.session);
  if (kinds.includes('prompt') && traits.bodyBytes >= LEAST_CACHED_BYTES) {
    const beginning = beginningOf(traits.body);
    if (beginning.length >= LEAST_CACHED_BYTES) return hashOf('prompt', beginning);
  }
  if (kinds.includes('caller') && traits.caller !== undefined) return hashOf('caller', traits.caller);
  return undefined;
}

/**
 * Tools and messages up to the first of a user: what a conversation's calls have in common, however long it grows. All of
 * the system prompt alone would bring all conversations of an application to one deployment.
 */
function beginningOf({ tools, messages }: Readonly<Record<string, unknown>>): string {
  if (!Array.isArray(messages)) return '';
  const asked = messages.findIndex((m: unknown) => (m as { role?: unknown } | null)?.role === 'user');
  return JSON.stringify([tools, messages.slice(0, asked + 1)]);
}

const hashOf = (kind: AffinityKind, value: string): string =>
  createHash('sha256').update(`${kind}:${value}`).digest('hex').slice(0, 16);
