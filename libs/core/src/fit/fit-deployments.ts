import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import { CAPABILITIES, type Capability } from '../model-facts.js';
import { matchTags } from './match-tags.js';
import type { CallNeeds } from './read-needs.js';

/** What of a call decides who may serve it, apart from what is free. */
export interface CallTraits {
  readonly tags: readonly string[];
  /** `allowed_model_region`; absent: any. */
  readonly region: string | undefined;
  /** Of the whole request: no prompt has more tokens than bytes. */
  readonly bodyBytes: number;
  /** Read only where a deployment could fall short of them. */
  readonly needs: () => CallNeeds;
  /** Tokens of the prompt as the deployment's own tokenizer counts them; undefined: nobody knows it. Slow. */
  readonly countTokens: (deployment: Deployment) => number | undefined;
}

/** Why a deployment may not serve a call, however free it is. */
export type Misfit =
  | { readonly reason: 'tag' | 'region' }
  | { readonly reason: 'context_window'; readonly tokens: number; readonly windowTokens: number }
  | { readonly reason: 'capability'; readonly capability: Capability };

type FitPolicy = Pick<RoutingPolicy, 'enablePreCallChecks' | 'tagFiltering'>;

const NONE: ReadonlyMap<string, Misfit> = new Map();
/** How far the estimate may be off, either way. */
const MARGIN = 1.15;
/** Counting so many holds the event loop for some 0.2 s. */
const MOST_COUNTED_TOKENS = 300_000;

/**
 * The deployments that cannot serve a call, by id, each with the first reason. Empty at no cost for the usual call: to a
 * group without tags, short enough for the smallest window, where nobody lacks anything.
 */
export function misfitsOf(group: ModelGroup, call: CallTraits, policy: FitPolicy): ReadonlyMap<string, Misfit> {
  const limits = policy.enablePreCallChecks ? limitsOf(group) : undefined;
  const checksNeeds = limits !== undefined && (call.bodyBytes > limits.smallestWindow || limits.lacking.length > 0);
  if (policy.tagFiltering === undefined && call.region === undefined && !checksNeeds) return NONE;

  const misfits = new Map<string, Misfit>();
  const { deployments } = group;
  if (policy.tagFiltering !== undefined) {
    const tagSets = deployments.map(({ tags }) => tags);
    const matched = matchTags(call.tags, tagSets, policy.tagFiltering.matchesAny);
    deployments.forEach(({ id }, i) => matched[i] || misfits.set(id, { reason: 'tag' }));
  }
  if (call.region !== undefined) {
    for (const { id, region } of deployments)
      if (region !== call.region && !misfits.has(id)) misfits.set(id, { reason: 'region' });
  }
  if (checksNeeds) checkNeeds(deployments, limits.lacking, call, misfits);
  return misfits;
}

function checkNeeds(
  deployments: readonly Deployment[],
  lacking: readonly Capability[],
  call: CallTraits,
  misfits: Map<string, Misfit>,
): void {
  const needs = call.needs();
  const asked = lacking.filter((capability) => needs.capabilities.has(capability));
  for (const deployment of deployments) {
    const capability = misfits.has(deployment.id)
      ? undefined
      : asked.find((each) => lacks(deployment, each, deployments));
    if (capability !== undefined) misfits.set(deployment.id, { reason: 'capability', capability });
  }
  const estimated = Math.min(needs.inputTokens, call.bodyBytes);
  const left = deployments.filter(({ id }) => !misfits.has(id));
  const fits = left.map((deployment) => fitOf(deployment, estimated, call));
  const someFitsSurely = fits.some(({ verdict }) => verdict === 'surely');
  for (const { id, verdict, tokens, windowTokens } of fits) {
    // Near the limit an estimate must not refuse a call that its provider would take: it only prefers the larger window.
    if (verdict === 'not' || (someFitsSurely && verdict === 'maybe')) {
      misfits.set(id, { reason: 'context_window', tokens, windowTokens });
    }
  }
}

interface Fit {
  id: string;
  verdict: 'surely' | 'maybe' | 'not';
  tokens: number;
  windowTokens: number;
}

function fitOf(deployment: Deployment, estimated: number, call: CallTraits): Fit {
  const { id, limits } = deployment;
  const windowTokens = limits.maxInputTokens ?? Infinity;
  const fit = { id, tokens: estimated, windowTokens };
  if (estimated * MARGIN <= windowTokens) return { ...fit, verdict: 'surely' };
  if (estimated > windowTokens * MARGIN) return { ...fit, verdict: 'not' };
  const tokens = estimated <= MOST_COUNTED_TOKENS ? call.countTokens(deployment) : undefined;
  if (tokens === undefined) return { ...fit, verdict: 'maybe' };
  return { ...fit, tokens, verdict: tokens <= windowTokens ? 'surely' : 'not' };
}

interface GroupLimits {
  readonly smallestWindow: number;
  /** Capabilities that somebody of the group lacks. */
  readonly lacking: readonly Capability[];
}

const known = new WeakMap<ModelGroup, GroupLimits>();

/** Once per group: configurations are frozen. */
function limitsOf(group: ModelGroup): GroupLimits {
  let limits = known.get(group);
  if (limits === undefined) {
    const { deployments } = group;
    limits = {
      smallestWindow: Math.min(...deployments.map((d) => d.limits.maxInputTokens ?? Infinity)),
      lacking: CAPABILITIES.filter((each) => deployments.some((d) => lacks(d, each, deployments))),
    };
    known.set(group, limits);
  }
  return limits;
}

/**
 * It is said that it cannot; or others of the group are said to be able, and of this model other abilities are said and not
 * this one. A model of which nothing is said is believed to be able.
 */
function lacks({ supports }: Deployment, capability: Capability, group: readonly Deployment[]): boolean {
  const said = supports[capability];
  if (said !== undefined) return !said;
  return Object.keys(supports).length > 0 && group.some((other) => other.supports[capability] === true);
}

/** Why nobody of a group can serve a call: the reason that a larger window, or a fallback, could mend comes first. */
export function groupMisfit(
  deployments: readonly Deployment[],
  misfits: ReadonlyMap<string, Misfit>,
): Misfit | undefined {
  const reasons = deployments.flatMap(({ id, disabled }) => (disabled === undefined ? [misfits.get(id)] : []));
  if (reasons.length === 0 || reasons.includes(undefined)) return undefined;
  let widest: Extract<Misfit, { reason: 'context_window' }> | undefined;
  for (const misfit of reasons) {
    if (misfit?.reason !== 'context_window') continue;
    if (widest === undefined || misfit.windowTokens > widest.windowTokens) widest = misfit;
  }
  return widest ?? reasons[0];
}
