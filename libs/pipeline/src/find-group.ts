import {
  chooseGroup,
  groupMisfit,
  misfitsOf,
  resolveModel,
  routedCall,
  type CallNeeds,
  type Deployment,
  type Misfit,
  type ModelTable,
  type ResolvedModel,
  type RouterGroup,
  type RoutingPolicy,
} from '@sluice/core';
import type { ApiError } from '@sluice/wire';
import { misfitError } from './misfit-error.js';
import type { InferenceRequest, RequestOptions } from './inference-request.js';

type FoundModel = Extract<ResolvedModel, { kind: 'found' }>;

export type FoundGroup =
  | {
      kind: 'found';
      group: string;
      /** What a router made of the model's name. */
      routed: string | undefined;
      /** Every deployment of the group. */
      mayAllServe: boolean;
    }
  | { kind: 'refused'; error: ApiError };

interface FindDeps {
  models: ModelTable;
  isStrict: boolean;
  policy: RoutingPolicy;
  nowMs: () => number;
}

/** The group whose queue a call belongs in; refused when nobody can serve it. */
export function findGroup(request: InferenceRequest, deps: FindDeps): FoundGroup {
  const asked = resolveModel(deps.models, request.body.model, deps.isStrict);
  const routed = asked.kind === 'router' ? route(asked.router, request, deps) : undefined;
  const resolved = routed === undefined ? asked : resolveModel(deps.models, routed, deps.isStrict);
  if (resolved.kind !== 'found') {
    return { kind: 'refused', error: unknownModel(request.body.model, nearestOf(resolved)) };
  }
  const misfits = plainMisfits(resolved, request.options, deps.policy);
  const misfit = misfits.size === 0 ? undefined : groupMisfit(membersOf(resolved), misfits);
  if (misfit !== undefined) return { kind: 'refused', error: misfitError(request.body.model, misfit) };
  const mayAllServe = resolved.only === undefined && misfits.size === 0;
  return { kind: 'found', group: resolved.group.name, routed, mayAllServe };
}

/** By the call's own body and the hour: which model a router means. */
function route(router: RouterGroup, { body, options }: InferenceRequest, deps: Pick<FindDeps, 'nowMs'>): string {
  return chooseGroup(router, routedCall(body, options.tags, deps.nowMs())).use;
}

const nearestOf = (resolved: ResolvedModel): readonly string[] => (resolved.kind === 'unknown' ? resolved.nearest : []);

const membersOf = ({ group, only }: FoundModel): readonly Deployment[] =>
  only === undefined ? group.deployments : group.deployments.filter(({ id }) => only.includes(id));

/** Tags and regions that nobody has: a mistake that needs no queue. What only the body tells is the worker's business. */
function plainMisfits(
  { group }: FoundModel,
  { tags, region }: RequestOptions,
  { tagFiltering }: RoutingPolicy,
): ReadonlyMap<string, Misfit> {
  const call = { tags, region, bodyBytes: 0, needs: () => NO_NEEDS, countTokens: () => undefined };
  return misfitsOf(group, call, { tagFiltering, enablePreCallChecks: false });
}

const NO_NEEDS: CallNeeds = { inputTokens: 0, capabilities: new Set() };

export function unknownModel(model: string, nearest: readonly string[]): ApiError {
  const near = nearest.length > 0 ? ` Nearest names: ${nearest.join(', ')}.` : '';
  const shown = model.length > 200 ? `${model.slice(0, 200)}…` : model;
  return { code: 'model_not_found', message: `There is no model "${shown}".${near}`, param: 'model' };
}
