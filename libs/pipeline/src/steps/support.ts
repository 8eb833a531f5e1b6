import type { Deployment, ModelGroup, TargetGroup } from '@sluice/core';
import type { Call, ProviderClient } from '@sluice/providers';

/** No deployment of the asked group can serve this member of the body. */
export interface UnsupportedParam {
  kind: 'unsupported_param';
  param: string;
}

/** Which deployments can serve what a body asks for. Source: WIRE.md 11. */
export interface Support {
  /** Leaves those out that cannot. */
  within: (group: ModelGroup, only: readonly string[] | undefined) => TargetGroup;
  /** The first member that nobody of the asked group can serve; undefined when somebody can serve all. */
  refusedBy: (asked: TargetGroup | undefined) => UnsupportedParam | undefined;
}

export function supportOf(call: Call, providers: Pick<ProviderClient, 'unsupported'>): Support {
  const known = new Map<Deployment, string[]>();
  const unsupported = (deployment: Deployment): string[] => {
    let members = known.get(deployment);
    if (members === undefined) {
      members = providers.unsupported(call, deployment);
      known.set(deployment, members);
    }
    return members;
  };
  return {
    within(group, only) {
      const able = group.deployments.filter((d) => unsupported(d).length === 0);
      if (able.length === group.deployments.length) return { group, only };
      const ids = able.map((d) => d.id);
      return { group, only: only === undefined ? ids : only.filter((id) => ids.includes(id)) };
    },
    refusedBy(asked) {
      if (asked === undefined) return undefined;
      const members = asked.group.deployments.filter((d) => d.disabled === undefined).map(unsupported);
      const isServed = members.length === 0 || members.some((each) => each.length === 0);
      return isServed ? undefined : { kind: 'unsupported_param', param: members[0]![0]! };
    },
  };
}
