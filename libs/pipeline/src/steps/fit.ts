import {
  groupMisfit,
  misfitsOf,
  readNeeds,
  type CallNeeds,
  type CallTraits,
  type RoutingPolicy,
  type TargetGroup,
} from '@sluice/core';
import type { Call, ProviderClient } from '@sluice/providers';
import type { InferenceJob } from '../inference-job.js';

/** What of a call decides who may serve it. The body is read at most once, and only where a model could fall short of it. */
export function traitsOf(
  { tags = [], region }: Pick<InferenceJob, 'tags' | 'region'>,
  call: Call,
  providers: Pick<ProviderClient, 'countTextOf'>,
): CallTraits {
  let needs: CallNeeds | undefined;
  const counted = new Map<(text: string) => number, number>(); // models of a kind share a tokenizer
  return {
    tags,
    region,
    get bodyBytes() {
      return Buffer.byteLength(call.source);
    },
    needs: () => (needs ??= readNeeds(call.body)),
    countTokens(deployment) {
      const countText = providers.countTextOf(deployment);
      if (countText === undefined) return undefined;
      const tokens = counted.get(countText) ?? readNeeds(call.body, countText).inputTokens;
      counted.set(countText, tokens);
      return tokens;
    },
  };
}

/** Leaves those out that cannot serve the call: tags, region, context window, abilities. */
export function fitting(target: TargetGroup, call: CallTraits, policy: RoutingPolicy): TargetGroup {
  const { group, only } = target;
  const misfits = misfitsOf(group, call, policy);
  if (misfits.size === 0) return target;
  const asked = only === undefined ? group.deployments : group.deployments.filter(({ id }) => only.includes(id));
  const fit = asked.filter(({ id }) => !misfits.has(id)).map(({ id }) => id);
  const unfit = groupMisfit(asked, misfits);
  return { group, only: fit, ...(unfit === undefined ? {} : { unfit }) };
}
