import type {
  Candidate,
  Deployment,
  Failure,
  HeldLease,
  LeaseRefusal,
  ModelTable,
  Progress,
  RecentTimes,
  RoutingPolicy,
} from '@sluice/core';
import type { Call, ProviderClient, Usage } from '@sluice/providers';
import type { JobRecords } from '@sluice/queue';
import type { BudgetWatch, DeploymentBreakers, HedgeBudget, Leases, RetryBudget, SeenDeployments } from '@sluice/state';
import type { FrameRelay, JobRelay } from '@sluice/stream';
import type { Emit } from '@sluice/telemetry';
import type { DeliveredAnswer, Served } from '@sluice/wire';
import type { AttemptLog } from './attempt-log.js';
import type { FailAt } from './fail-at.js';
import type { InferenceJob } from './inference-job.js';
import type { SlotBook } from './slot-book.js';
import type { KnownOutages } from './known-outages.js';
import type { WaitingRoom } from './waiting-room.js';

/** What a worker's runs share. */
export interface RunDeps {
  workerId: string;
  /** This process runs suspects: none goes back to the backlog. */
  runsSuspects: boolean;
  models: ModelTable;
  policy: RoutingPolicy;
  /** Patterns match whole names. */
  isStrict: boolean;
  records: Pick<JobRecords, 'begin' | 'note' | 'finish' | 'requeue'>;
  frames: Pick<FrameRelay, 'open' | 'replay'>;
  leases: Pick<Leases, 'take' | 'settle'>;
  hedges: Pick<HedgeBudget, 'countCall' | 'take'>;
  /** To first content, by deployment: of streams and of JSON calls. */
  firstContents: Pick<RecentTimes, 'note' | 'p95'>;
  retries: Pick<RetryBudget, 'countFirstCall' | 'ask'>;
  breakers: Pick<DeploymentBreakers, 'record' | 'sync'>;
  /** Shared state that strategies choose by. */
  seen: Pick<SeenDeployments, 'of'>;
  budgets: Pick<BudgetWatch, 'refusals' | 'notesFor'>;
  providers: Pick<
    ProviderClient,
    | 'complete'
    | 'stream'
    | 'unsupported'
    | 'withMembers'
    | 'callForRest'
    | 'prefillForm'
    | 'notePrefillRefused'
    | 'estimate'
    | 'countTextOf'
  >;
  waitingRoom: WaitingRoom;
  outages: KnownOutages;
  slots: SlotBook;
  emit: Emit;
  /** For tests. */
  failAt: FailAt | undefined;
  /** Redis TIME, as far as this process knows it. */
  nowMs: () => number;
  random: () => number;
}

/** What the leases said when they were asked for one of some candidates. */
export type Asked =
  { kind: 'taken'; deployment: Deployment; lease: HeldLease } | { kind: 'refused'; refusals: LeaseRefusal[] };

/**
 * The lease of a job's first attempt, asked for in the same trip to Redis as `begin`: before its record is read, as if it
 * were a fresh call that every deployment of the group can serve. Nearly all are. Whoever then knows better takes it only
 * when it was asked of the very deployments that are candidates; else it is given back, unused.
 */
export interface EarlyLease {
  /** The answer, once, if it is one for these candidates; undefined: it is none, and what it took is given back. */
  answerFor: (candidates: readonly Candidate[]) => Promise<Asked | undefined>;
  /** Gives back what was not taken. Never rejects: a lease that cannot be given back runs out. */
  close: () => Promise<void>;
}

/** One run of one job: what changes as it goes on. */
export interface Run {
  readonly job: InferenceJob;
  readonly epoch: number;
  readonly stop: AbortSignal;
  /** The body and its identity; `model` is set anew when a fallback group serves. */
  readonly call: Call;
  readonly relay: JobRelay;
  /** Of a durable job; absent: its attempts are neither kept nor told. */
  readonly log: AttemptLog | undefined;
  /** Asked for with `begin`; the first dispatch takes it. */
  readonly earlyLease: EarlyLease | undefined;
  progress: Progress;
  /** Others wait in the group's backlog, as the last script said. */
  othersWait: boolean;
  /** Attempts made by this and earlier runs, whatever they used. */
  attempts: number;
  /** Content of this job has been sent to who follows it, and holds. */
  isCommitted: boolean;
  /** Who was asked last. */
  served: Served | undefined;
  upstreamMs: number;
  /** When the current attempt's first content came, by `performance.now()`; absent: not yet. */
  firstContentAt: number | undefined;
  /** What was delivered of an answer that broke off: the next attempt goes on with it. */
  delivered: DeliveredAnswer | undefined;
  /** What broke it off last; absent: the worker of an earlier run was lost. */
  brokenBy: Failure | undefined;
  /** What answers cost that were not the last: broken ones. */
  billed: Billed | undefined;
}

export interface Billed extends Usage {
  /** Prompt of the first of them: what the caller is told. */
  firstPrompt: number;
  /** Characters of delivered content that they gave. */
  chars: number;
}
