import type { Fault } from './fault.js';
import type { Deed, Rule } from './script.js';

/** A rule and what it has seen. */
export interface CountedRule {
  readonly rule: Rule;
  readonly model: RegExp | null;
  readonly route: RegExp | null;
  /** Calls that reached it and fit its match: what nth and every count. */
  calls: number;
  /** Calls that it was applied to: what times bounds and sequence follows. */
  applied: number;
}

export interface CallFacts {
  model: string;
  /** Path without the profile; `canonicalRoute` is the one with /v1 in front. */
  route: string;
  canonicalRoute: string;
  stream: boolean;
  /** Since start or reset. */
  elapsedMs: number;
}

export const counted = (rule: Rule): CountedRule => ({
  rule,
  model: rule.match.model === null ? null : globbed(rule.match.model),
  route: rule.match.route === null ? null : globbed(rule.match.route),
  calls: 0,
  applied: 0,
});

/** `*` stands for any characters; all else for itself. */
const globbed = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '.*')}$`, 's');

/**
 * What the first rule that applies says; undefined when nothing is wrong with this call. Counts the call at each rule
 * that it gets to. `dice`: 0 ≤ x < 1, thrown only for rules with a probability.
 */
export function chooseFault(rules: Iterable<CountedRule>, call: CallFacts, dice: () => number): Fault | undefined {
  for (const entry of rules) {
    if (!fits(entry, call)) continue;
    entry.calls += 1;
    const { match, probability, times } = entry.rule;
    if (match.nth !== null && !match.nth.includes(entry.calls)) continue;
    if (match.every !== null && entry.calls % match.every !== 0) continue;
    if (times !== null && entry.applied >= times) continue;
    if (probability < 1 && dice() >= probability) continue;
    const deed = deedOf(entry.rule, entry.applied);
    entry.applied += 1;
    return deed === 'ok' ? undefined : deed;
  }
  return undefined;
}

function fits({ rule: { match }, model, route }: CountedRule, call: CallFacts): boolean {
  if (match.fromMs !== null && call.elapsedMs < match.fromMs) return false;
  if (match.toMs !== null && call.elapsedMs >= match.toMs) return false;
  if (match.stream !== null && match.stream !== call.stream) return false;
  if (model !== null && !model.test(call.model)) return false;
  return route === null || route.test(call.route) || route.test(call.canonicalRoute);
}

const deedOf = ({ do: deed, sequence }: Rule, applied: number): Deed =>
  sequence === null ? (deed ?? 'ok') : sequence[Math.min(applied, sequence.length - 1)]!;
