import { TIER_WEIGHTS, type Tier } from './lines.js';

/** What may wait, in a whole group and of one tenant in it: a call that would go beyond is refused. */
export interface BacklogBounds {
  readonly jobs: number;
  /** Of requests, as all `bytes`. */
  readonly bytes: number;
  readonly tenantJobs: number;
  readonly tenantBytes: number;
}

export interface BacklogPolicy {
  readonly bounds: BacklogBounds;
  /** Shares of tenants, above 0; 1 where a tenant is not named. */
  readonly tenantWeights: ReadonlyMap<string, number>;
}

const MIB = 1024 ** 2;

export const BACKLOG_DEFAULTS: BacklogPolicy = {
  bounds: { jobs: 1_000_000, bytes: 8_192 * MIB, tenantJobs: 200_000, tenantBytes: 2_048 * MIB },
  tenantWeights: new Map(),
};

/** Where a call waits when it must: `<weight>:<tenant>`. The jobs of a tenant's tiers stand in lines of their own. */
export const lineOf = (tenant: string, tier: Tier, { tenantWeights }: Pick<BacklogPolicy, 'tenantWeights'>): string =>
  `${(tenantWeights.get(tenant) ?? 1) * TIER_WEIGHTS[tier]}:${tenant}`;
