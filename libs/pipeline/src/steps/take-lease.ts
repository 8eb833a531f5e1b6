import type { Candidate, LeaseAsk, LeaseRefusal } from '@sluice/core';
import type { Asked, RunDeps } from '../run-deps.js';

/** While all deployments of a group are open, each may be probed so often. */
const PROBE_EVERY_MS = 2_000;

/**
 * One script for each home group among the candidates, in their order: nearly always one.
 * @param leaseId unique for each attempt
 * @param tokens reserved until it is settled
 */
export async function takeLease(
  leaseId: string,
  tokens: number,
  candidates: readonly Candidate[],
  strategy: LeaseAsk['strategy'],
  { leases, breakers }: Pick<RunDeps, 'leases' | 'breakers'>,
): Promise<Asked> {
  const refusals: LeaseRefusal[] = [];
  for (let from = 0; from < candidates.length;) {
    const { group } = candidates[from]!.deployment;
    let to = from + 1;
    while (to < candidates.length && candidates[to]!.deployment.group === group) to++;
    const here = candidates.slice(from, to);
    const reply = await leases.take({
      group,
      leaseId,
      strategy,
      tokens,
      candidates: here.map(({ deployment: { id, rpm, tpm, maxParallel }, tier }) => ({
        id,
        order: tier,
        rpm: rpm ?? 0,
        tpm: tpm ?? 0,
        maxParallel: maxParallel ?? 0,
      })),
      probeEveryWhenAllOpenMs: PROBE_EVERY_MS,
    });
    if (reply.taken) {
      const { deployment } = here.find((c) => c.deployment.id === reply.lease.deploymentId)!;
      if (!reply.lease.isProbe) breakers.sync(deployment.id, 'closed');
      return { kind: 'taken', deployment, lease: reply.lease };
    }
    refusals.push(...reply.refusals);
    from = to;
  }
  return { kind: 'refused', refusals };
}
