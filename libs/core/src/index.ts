export { consequenceOf, type Consequence, type Failure, type FailureKind, type TimeoutPhase } from './failure.js';
export type { AliasEntry, Deployment, ModelGroup, ModelTable, ProviderTarget, RoutingPolicy } from './deployment.js';
export { attemptTimeouts, type AttemptTimeouts } from './dispatch/attempt-timeouts.js';
export { backoffMs } from './dispatch/backoff.js';
export {
  nextStep,
  stepAfterRefusal,
  type FailReason,
  type Refusal,
  type Step,
  type StepContext,
} from './dispatch/next-step.js';
export { currentGroup, startOf, type Progress, type Tried } from './dispatch/progress.js';
