import type { ModelTable, Progress, RoutingPolicy } from '@sluice/core';
import type { Call, ProviderClient } from '@sluice/providers';
import type { JobRecords } from '@sluice/queue';
import type { DeploymentBreakers, Leases } from '@sluice/state';
import type { FrameRelay, JobRelay } from '@sluice/stream';
import type { Emit } from '@sluice/telemetry';
import type { Served } from '@sluice/wire';
import type { InferenceJob } from './inference-job.js';
import type { WaitingRoom } from './waiting-room.js';

/** What a worker's runs share. */
export interface RunDeps {
  workerId: string;
  models: ModelTable;
  policy: RoutingPolicy;
  /** Patterns match whole names. */
  isStrict: boolean;
  records: Pick<JobRecords, 'begin' | 'note' | 'finish' | 'requeue'>;
  frames: Pick<FrameRelay, 'open'>;
  leases: Pick<Leases, 'take' | 'settle'>;
  breakers: Pick<DeploymentBreakers, 'record' | 'sync'>;
  providers: Pick<ProviderClient, 'complete' | 'stream' | 'unsupported'>;
  waitingRoom: WaitingRoom;
  emit: Emit;
  /** Redis TIME, as far as this process knows it. */
  nowMs: () => number;
  random: () => number;
}

/** One run of one job: what changes as it goes on. */
export interface Run {
  readonly job: InferenceJob;
  readonly epoch: number;
  readonly stop: AbortSignal;
  /** The body and its identity; `model` is set anew when a fallback group serves. */
  readonly call: Call;
  readonly relay: JobRelay;
  progress: Progress;
  /** Others wait in the group's backlog, as the last script said. */
  othersWait: boolean;
  /** Attempts made by this and earlier runs, whatever they used. */
  attempts: number;
  /** Content of this job has been sent to who follows it. */
  isCommitted: boolean;
  /** Who was asked last. */
  served: Served | undefined;
  upstreamMs: number;
}
