import { BACKLOG_DEFAULTS, type BacklogPolicy } from '@sluice/core';
import { Section } from '../section.js';

const BYTES_PER_MB = 1024 ** 2;

/** What may wait, and whose turn comes how often. */
export function readBacklog(sluice: Section | undefined): BacklogPolicy {
  if (sluice === undefined) return BACKLOG_DEFAULTS;
  const { bounds } = BACKLOG_DEFAULTS;
  const bytes = (key: string): number | undefined => {
    const mb = sluice.number(key, 0.001);
    return mb && Math.round(mb * BYTES_PER_MB);
  };
  return {
    bounds: {
      jobs: sluice.wholeNumber('max_queued_jobs', 1) ?? bounds.jobs,
      bytes: bytes('max_queued_mb') ?? bounds.bytes,
      tenantJobs: sluice.wholeNumber('max_queued_jobs_per_tenant', 1) ?? bounds.tenantJobs,
      tenantBytes: bytes('max_queued_mb_per_tenant') ?? bounds.tenantBytes,
    },
    tenantWeights: readWeights(sluice.section('tenant_weights')),
  };
}

/** From a hundredth to a hundred times the share of others: beyond, one of the two would all but stand still. */
function readWeights(weights: Section | undefined): ReadonlyMap<string, number> {
  const read = new Map<string, number>();
  for (const tenant of weights?.map.entries.keys() ?? []) {
    const weight = weights!.number(tenant, 0.01);
    if (weight === undefined) continue;
    if (weight <= 100) read.set(tenant, weight);
    else weights!.wrong(weights!.map.entries.get(tenant)!, 'a number from 0.01 to 100', 'more');
  }
  return read;
}
