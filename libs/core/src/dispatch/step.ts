import type { ModelGroup, RoutingPolicy } from '../deployment.js';
import type { Choice } from './choice.js';
import type { Misfit } from '../fit/fit-deployments.js';
import type { Candidate } from './order-candidates.js';
import type { Progress } from './progress.js';

/** What a job does next. `progress` is what holds from then on. */
export type Step =
  /** Lease the first of these that can serve. */
  | { do: 'ask'; group: ModelGroup; candidates: Candidate[]; progress: Progress }
  /** Wait with the worker's slot held. Then decide anew. */
  | { do: 'pause'; ms: number; for: PauseFor; progress: Progress }
  /** Back to the head of the group's backlog, slot given back; nothing of the asked group can serve before `untilMs`. */
  | { do: 'give_back'; untilMs: number; progress: Progress }
  | { do: 'fail'; because: FailReason; progress: Progress };

/**
 * `time`: a backoff or an outage. `return`: capacity that is known to be back then. `slot`: a call that ends; nobody knows
 * when, so it is looked at again after `ms` at the latest.
 */
export type PauseFor = 'time' | 'return' | 'slot';

export type FailReason =
  /** The error of the first group's last attempt. */
  | { kind: 'attempts_failed' }
  /** Everything is full or cooling past the caller's time. */
  | { kind: 'no_capacity'; retryAfterMs: number }
  /** Failures alone, of other calls, shut everything. */
  | { kind: 'all_out'; retryAfterMs: number }
  /** Nobody of the asked group may serve a call like this, nor anybody of the fallbacks. */
  | { kind: 'unfit'; misfit: Misfit }
  /** The whole job's time is over. */
  | { kind: 'deadline' };

/** Prepared once per job. */
export interface StepContext {
  policy: RoutingPolicy;
  choice: Choice;
  /**
   * What a name leads to: a group, by name, alias or deployment id (`only`: the ids that may serve). The asked group's name
   * leads to what the caller asked for.
   */
  groupOf: (target: string) => TargetGroup | undefined;
  /** Attempts in each group that the caller asked for; absent: the deployment's or router's `num_retries` + 1. */
  maxAttempts: number | undefined;
  /** As the caller wrote it; absent: the group's name. */
  model?: string;
  /** The caller's own fallback list; absent: the configuration's. */
  fallbacks: readonly string[] | undefined;
  /** It is no use to wait for capacity longer: the end of the caller's wait or the deadline. Unix ms. */
  startByMs: number;
  /** The whole job. */
  deadlineMs: number;
  rejectWhenFull: boolean;
  /** Nobody holds a connection for it: an outage, too, is waited out, in the backlog. Absent: somebody does. */
  isPatient?: boolean;
  /** Since when it waits an outage of the asked group out that others have met before it, Unix ms; absent: none is known. */
  outSinceMs?: number | undefined;
  /**
   * Whether so few calls wait in place for the same that one more may. All that wait for a return ask at the same moment:
   * many would be a storm, and in no order; the backlog feeds them in turn.
   */
  mayWaitInPlace: (what: 'return' | 'slot') => boolean;
}

export interface TargetGroup {
  group: ModelGroup;
  only: readonly string[] | undefined;
  /** Why none of them may serve this call. */
  unfit?: Misfit;
}
