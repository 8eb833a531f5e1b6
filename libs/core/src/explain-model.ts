import type { ModelTable, RoutingPolicy } from './deployment.js';
import { strategyOf } from './dispatch/order-candidates.js';
import { fallbackTargets } from './dispatch/fallback-targets.js';
import type { TargetGroup } from './dispatch/step.js';
import { explainCall, type Known } from './explain-call.js';
import type { Capability } from './model-facts.js';
import { resolveModel } from './resolve-model.js';
import { chooseGroup, type RouterGroup } from './router/choose-group.js';

/** A call that nobody makes: what of one decides who would serve it. */
export interface CallSketch {
  readonly model: string;
  readonly stream: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly tags: readonly string[];
  readonly region: string | undefined;
  readonly hasImages: boolean;
  readonly hasTools: boolean;
  readonly wantsJson: boolean;
  /** Of the last user message, for rules that look into it. */
  readonly text: string;
  readonly nowMs: number;
}

export type MeantModel =
  | { readonly kind: 'meant'; readonly target: TargetGroup; readonly routed: Routed | undefined }
  | { readonly kind: 'unknown'; readonly nearest: readonly string[] };

interface Routed {
  readonly router: string;
  /** 1 for the first; null: none held. */
  readonly rule: number | null;
  readonly use: string;
}

/** What a name means for this call, through routers. */
export function meantBy(sketch: CallSketch, models: ModelTable, isStrict: boolean): MeantModel {
  const asked = resolveModel(models, sketch.model, isStrict);
  const routed = asked.kind === 'router' ? route(asked.router, sketch) : undefined;
  const resolved = routed === undefined ? asked : resolveModel(models, routed.use, isStrict);
  if (resolved.kind === 'found')
    return { kind: 'meant', target: { group: resolved.group, only: resolved.only }, routed };
  return { kind: 'unknown', nearest: resolved.kind === 'unknown' ? resolved.nearest : [] };
}

function route(router: RouterGroup, sketch: CallSketch): Routed {
  const { rule, use } = chooseGroup(router, {
    inputTokens: () => sketch.inputTokens,
    hasImages: () => sketch.hasImages,
    hasTools: () => sketch.hasTools,
    wantsJson: () => sketch.wantsJson,
    text: () => sketch.text,
    tags: sketch.tags,
    nowMs: sketch.nowMs,
  });
  return { router: router.name, rule: rule === undefined ? null : rule + 1, use };
}

/** `GET /v1/deployments/explain` (API.md 7). */
export interface ExplainedModel {
  model: string;
  group: string;
  /** Which rule of a router led here; null: no router was asked. */
  router: Routed | null;
  strategy: string;
  /** Groups that a call goes to when this one fails; for a prompt that is too long, the context window's. */
  fallbacks: readonly string[];
  would: 'dispatch' | 'wait' | 'reject';
  /** null: it does not wait, or nobody knows how long. */
  wait_ms: number | null;
  candidates: {
    deployment: string;
    verdict: string;
    reason: string | null;
    /** Unix seconds. */
    until: number | null;
    /** How often it is asked first, 0..1; null: it is not asked. */
    share: number | null;
    /** What the strategy weighed it by. */
    measure: { by: string; value: number | null } | null;
  }[];
}

export function explainModel(
  sketch: CallSketch,
  { target, routed }: Extract<MeantModel, { kind: 'meant' }>,
  policy: RoutingPolicy,
  known: Known,
  random: () => number,
): ExplainedModel {
  const { group } = target;
  const { inputTokens, outputTokens, tags, region, nowMs } = sketch;
  const capabilities = new Set<Capability>();
  if (sketch.hasImages) capabilities.add('vision');
  if (sketch.hasTools) capabilities.add('tools');
  if (sketch.wantsJson) capabilities.add('json_schema');
  const call = {
    tags,
    region,
    bodyBytes: Infinity,
    needs: () => ({ inputTokens, capabilities }),
    countTokens: () => undefined,
  };
  const byId = new Map(group.deployments.map((deployment) => [deployment.id, deployment]));
  const choice = {
    strategy: policy.strategy,
    stream: sketch.stream,
    inputTokens,
    outputTokens,
    stickTo: undefined,
    seen: (id: string) => {
      const status = known.statusOf(byId.get(id)!);
      return { ...known.seen(id), ...(status && { load: status }) };
    },
  };
  const { would, waitMs, candidates } = explainCall(target, call, choice, policy, known, nowMs, random);
  const isTooLong = would === 'reject' && candidates.some(({ reason }) => reason === 'context_window');
  return {
    model: sketch.model,
    group: group.name,
    router: routed ?? null,
    strategy: strategyOf(group, choice).name,
    fallbacks: fallbackTargets([sketch.model, group.name], isTooLong ? 'context_window' : 'general', policy, undefined),
    would,
    wait_ms: waitMs ?? null,
    candidates: candidates.map(({ deployment, verdict, reason, untilMs, share, measure }) => ({
      deployment,
      verdict,
      reason: reason ?? null,
      until: untilMs === undefined ? null : Math.ceil(untilMs / 1_000),
      share: share ?? null,
      measure: measure === undefined ? null : { by: measure.by, value: measure.value ?? null },
    })),
  };
}
