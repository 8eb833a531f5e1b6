export {
  endingOf,
  isBatchOver,
  lastStatus,
  UNFINISHED_BATCH,
  type BatchEnding,
  type BatchStatus,
} from './batch/batch-status.js';
export { SplitRequests } from './batch/split-requests.js';
export { batchWindow } from './batch/batch-window.js';
export { completionWindowMs } from './batch/completion-window.js';
export { InputCheck, type InputProblem } from './batch/input-check.js';
export { FileGone } from './batch/file-gone.js';
export { lineJobId } from './batch/line-job-id.js';
export {
  ANTHROPIC_LINES,
  isLineProblem,
  OPENAI_LINES,
  readBatchLine,
  type BatchLine,
  type LineForm,
  type LineProblem,
} from './batch/read-batch-line.js';
export { newObjectId } from './object-id.js';
export { outputFileId } from './batch/output-file-id.js';
export {
  CAPABILITIES,
  factsOver,
  NO_FACTS,
  type Capability,
  type ModelFacts,
  type ModelLimits,
  type Prices,
  type Supports,
  type TokenPrices,
} from './model-facts.js';
export { nearestNames, resolveModel, type ResolvedModel } from './resolve-model.js';
export { consequenceOf, type Consequence, type Failure, type FailureKind, type TimeoutPhase } from './failure.js';
export { costUsdNanos, expectedCostMicros, type UsedTokens } from './cost.js';
export type {
  AliasEntry,
  AllowedFailsPolicy,
  Deployment,
  LatencyStrategy,
  ModelGroup,
  ModelTable,
  ProviderTarget,
  RetryClass,
  RetryPolicy,
  RescuePolicy,
  RoutingPolicy,
  Strategy,
} from './deployment.js';
export { attemptTimeouts, isCallersTimeout, type AttemptTimeouts } from './dispatch/attempt-timeouts.js';
export { backoffMs } from './dispatch/backoff.js';
export { couldGoElsewhere } from './dispatch/could-go-elsewhere.js';
export { modelOf } from './dispatch/eligible-deployments.js';
export { consideredOf } from './dispatch/considered-of.js';
export { explainChoice } from './dispatch/explain-choice.js';
export { peakAfter, refusedSlots, type SlotUse } from './dispatch/slot-shares.js';
export { nextStep } from './dispatch/next-step.js';
export { stickToOf, type AffinityKind, type AffinityPolicy, type AffinityTraits } from './dispatch/affinity.js';
export type { Choice, Seen } from './dispatch/choice.js';
export { seenNeeds, type SeenNeeds } from './dispatch/seen-needs.js';
export type { Considered, Measure, SkipReason } from './dispatch/considered.js';
export { leaseStrategyOf, orderCandidates, strategyOf, type Candidate } from './dispatch/order-candidates.js';
export { afterTry, callsMade, startOf, takenOver, type Progress, type Tried } from './dispatch/progress.js';
export type { FailReason, PauseFor, Step, StepContext, TargetGroup } from './dispatch/step.js';
export {
  LEASE_MS,
  type BreakerRules,
  type DeploymentStatus,
  type HeldLease,
  type LeaseAsk,
  type LeaseCandidate,
  type LeaseNote,
  type LeaseOutcome,
  type LeaseRefusal,
  type LeaseRefused,
  type LeaseTaken,
  type LimitWord,
  type RefusalVerdict,
  type SettledLease,
} from './leases/lease.js';
export { breakerRulesOf } from './leases/breaker-rules.js';
export { limitWordOf, type LimitLeft, type LimitNews } from './leases/limit-news.js';
export { budgetPeriodOf, budgetWindow, type BudgetPeriod, type BudgetWindow } from './budgets/budget-window.js';
export type { Budget } from './budgets/budgets.js';
export { latencySampleOf, type TimedAttempt } from './dispatch/latency-sample.js';
export {
  isFirstIn,
  isRetryIn,
  RETRIES_AT_ONCE,
  RETRIES_PER_SECOND,
  retryTurn,
  type RetryAsk,
  type RetryBudgetState,
  type RetryTurn,
} from './leases/retry-turn.js';
export { leaseOutcomeOf } from './leases/lease-outcome.js';
export { resetDeployment, statusOf, type LeaseState } from './leases/deployment-state.js';
export { renewLeases, settleLease } from './leases/settle-lease.js';
export { takeLease } from './leases/take-lease.js';
export { FAILPOINTS, readFailpoints, type Failpoint, type Failpoints } from './failpoints.js';
export { groupNumberOf, isJobId, newJobId } from './job-id.js';
export { fallbackTargets } from './dispatch/fallback-targets.js';
export { mergePatch } from './merge-patch.js';
export { mockOf, MOCK_TIMEOUT, type Mock } from './mock.js';
export { acceptJob } from './job/accept-job.js';
export { BACKLOG_DEFAULTS, lineOf, type BacklogBounds, type BacklogPolicy } from './job/backlog-policy.js';
export { variantName, variantOf } from './dispatch/fallback-variant.js';
export { isBefore, ledgerBound, type ConsumerGroupPlace } from './job/ledger-bound.js';
export { keptText, type Kept } from './job/kept.js';
export { eraseJob } from './job/erase-job.js';
export { claimRetry, releaseRetry } from './job/retry-claim.js';
export { cancelJob, expireJob, finishJob } from './job/end-job.js';
export { feedWindow, sweepGroup, type FedJob } from './job/feed-window.js';
export { countSuspectCrash, isolateJob } from './job/isolate-job.js';
export { newJobGroup, type JobGroup, type JobRecord, type TerminalState, type Told } from './job/job-group.js';
export { tenantOf, weightOf, type Tier } from './job/lines.js';
export { expectedStartMs, jobsAhead, type WaitingLine } from './job/place-in-line.js';
export {
  claimKey,
  settleClaim,
  type Claim,
  type ClaimAsk,
  type ClaimReply,
  type Claims,
  type SettledHow,
} from './idempotency/claim.js';
export { digestOf, fingerprintOf } from './idempotency/fingerprint.js';
export { claimKeptMs, meetJob, REMEMBERED_MS, type Meeting, type MetJob } from './idempotency/meet-job.js';
export { isStorageFull } from './storage-room.js';
export { startsPerSecond } from './job/starts.js';
export { hasWaitedOut, noteOutage, waitsSince, type Outage } from './job/outage.js';
export { beginJob, noteAttempt, relayFrames, requeueJob } from './job/run-job.js';
export { estimateTextTokens } from './fit/estimate-text-tokens.js';
export { groupMisfit, misfitsOf, type CallTraits, type Misfit } from './fit/fit-deployments.js';
export { readNeeds, type CallNeeds } from './fit/read-needs.js';
export { rescueOf } from './midstream/rescue-of.js';
export { mayGoOn } from './midstream/may-go-on.js';
export { Seam, type GoingOn } from './midstream/seam.js';
export {
  chooseGroup,
  routedCall,
  type RoutedCall,
  type RoutedTo,
  type RouterConditions,
  type RouterGroup,
  type RouterRule,
} from './router/choose-group.js';
export { hoursOf } from './router/hours.js';
export { languageOf } from './router/read-question.js';
export { PatternError, textPattern } from './router/text-pattern.js';
export { explainModel, meantBy, type CallSketch, type ExplainedModel } from './explain-model.js';
export type { Known } from './explain-call.js';
export { listedModels } from './listed-models.js';
export { FREE_HEDGES_PER_MINUTE, takeHedge, type HedgeBudgetState } from './hedge/hedge-budget.js';
export { HEDGE_START, hedgeAfter, hedgeDelayMs, type HedgeEvent, type HedgeState, type Racer } from './hedge/hedge.js';
export { RecentTimes } from './hedge/recent-times.js';
export {
  changeMembers,
  changeMembersAt,
  elementsAt,
  filterElements,
  membersAt,
  removePath,
  valueAt,
  valueText,
  type Change,
  type Changes,
} from './json-span.js';
export {
  afterDelivery,
  GIVE_UP_AFTER_MS,
  isSuccess,
  RETRY_STEPS_MS,
  type AfterDelivery,
  type NoAnswer,
  type TryOutcome,
} from './webhooks/after-delivery.js';
export { endsUntried, erasedPlan, isErasedPlan, nextLookAtErased } from './webhooks/erasure.js';
export { isEventPattern, matchesEvents, WEBHOOK_EVENT_TYPES, type WebhookEventType } from './webhooks/event-types.js';
export type {
  DeliveryPlan,
  DeliveryRow,
  DeliveryStatus,
  DeliveryTry,
  DisabledReason,
  KeptSecret,
  WebhookEndpoint,
} from './webhooks/delivery.js';
export { addDelivery, settleDelivery, takeDue, type Landing, type Lanes, type TakeLimits } from './webhooks/lanes.js';
export { deliveryIdOf, disabledEventId, eventIdOf, originLane, timeOfId } from './webhooks/webhook-ids.js';
