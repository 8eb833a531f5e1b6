import { claimJob, type KeyedCall, type SameCallDeps } from './claim-job.js';
import { findGroup } from './find-group.js';
import {
  submitDurable,
  timesOf,
  type DurableDeps,
  type DurableRequest,
  type DurableTraits,
  type SubmittedDurable,
} from './submit-durable.js';

export type SubmittedOnce =
  | SubmittedDurable
  /** An earlier call with the key has made it: it stands as it is, however it ended. */
  | { kind: 'exists'; jobId: string; group: string };

/** `submitDurable` for a call with an Idempotency-Key. */
export async function submitDurableOnce(
  request: DurableRequest,
  same: KeyedCall,
  traits: DurableTraits,
  deps: DurableDeps & Pick<SameCallDeps, 'claims' | 'promises' | 'records'>,
): Promise<SubmittedOnce> {
  const found = findGroup(request, deps);
  if (found.kind === 'refused') return found;
  const { group } = found;
  const times = timesOf(request, traits, deps.nowMs());
  const claimed = await claimJob(same, { jobId: deps.newJobId(group), group, ...times }, deps, true);
  if (claimed.kind === 'refused') return claimed;
  if (claimed.kind === 'share') return { kind: 'exists', jobId: claimed.jobId, group: claimed.group };
  const submitted = await submitDurable({ ...request, fixed: claimed }, traits, deps);
  await claimed.settle(submitted.kind === 'accepted');
  return submitted;
}
