import type { LeaseRefusal } from '../leases/lease.js';
import { nextStep } from './next-step.js';
import { afterTry, type Progress } from './progress.js';
import type { StepContext } from './step.js';

/**
 * Whether another deployment could be asked at once if the one just leased timed out: only then may a slow first token be
 * cut off. It is the decision itself, taken ahead.
 * @param refusals deployments that the lease script has just refused
 */
export function couldGoElsewhere(
  progress: Progress,
  leased: { group: string; deployment: string },
  refusals: readonly LeaseRefusal[],
  context: StepContext,
  nowMs: number,
): boolean {
  const timedOut = afterTry(progress, { ...leased, kind: 'timeout', message: '', atMs: nowMs, used: true });
  return nextStep(timedOut, refusals, context, nowMs, () => 0).do === 'ask';
}
