export { BatchQueue, BatchWorker } from './batch-queue.js';
export { LineRecords, type LineResult } from './line-records.js';
export type { OverdueJob } from './backlog-feeder.js';
export { calledSince } from './called-of-late.js';
export { DeadWorkerReaper } from './dead-worker-reaper.js';
export type { RunEnd, RunHooks, RunJob, StopReason } from './inference-worker.js';
export { DurableRecords } from './durable-records.js';
export { GroupsOfIds, numbersOfGroups } from './group-numbers.js';
export { InferenceQueues } from './inference-queues.js';
export { InferenceWorkers, type InferenceWorkersOptions } from './inference-workers.js';
export type { JobEnvelope, JobTurn } from './job-envelope.js';
export {
  JobRecords,
  type Accepted,
  type BegunJob,
  type FinishedJob,
  type JobSnapshot,
  type NewDurable,
  type NewJob,
  type RecordView,
  type SuspectsRun,
} from './job-records.js';
export { CONSUMER_GROUPS, type ConsumerGroup } from './ledger/consumer-groups.js';
export { LedgerDrain } from './ledger/ledger-drain.js';
export type { LedgerConsumer } from './ledger/ledger-lane.js';
export { LedgerReader, type LedgerReaderOptions } from './ledger/ledger-reader.js';
export { LeftOverJobs } from './left-over-jobs.js';
export type { Disk } from './on-disk.js';
export { openGate } from './open-gate.js';
export { QueueView, type PlaceInLine, type QueueLook } from './queue-view.js';
export { QueueControl } from './queue-control.js';
export { QueueModule } from './queue.module.js';
export { Uploads } from './uploads.js';
export { drainWorker, lookAtWorkers, WorkerBeat, youngestBeatMs, type WorkerLook } from './worker-beat.js';
