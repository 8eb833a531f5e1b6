export type { KeyedCall, SameCall } from './claim-job.js';
export { makeOnce, type Made, type Making } from './make-once.js';
export { submitDurableOnce, type SubmittedOnce } from './submit-durable-once.js';
export { answerId, type InferenceJob } from './inference-job.js';
export { allOut } from './all-out.js';
export { KnownOutages } from './known-outages.js';
export { noWorker } from './no-worker.js';
export { failAtPoints, type FailAt } from './fail-at.js';
export type { RunDeps } from './run-deps.js';
export { runInference } from './run-inference.js';
export { DEFAULT_TENANT, type InferenceRequest, type RequestOptions } from './inference-request.js';
export { submitInference, type SubmitDeps, type Submitted } from './submit-inference.js';
export { unknownModel } from './find-group.js';
export {
  submitDurable,
  type DurableDeps,
  type DurableRequest,
  type DurableTraits,
  type SubmittedDurable,
} from './submit-durable.js';
export { NOT_RETAINED, submitRetry, type EndedJob, type Retried, type RetryDeps } from './submit-retry.js';
export { unstarted } from './unstarted.js';
export { SlotBook } from './slot-book.js';
export { WaitingRoom } from './waiting-room.js';
export type { BatchDeps } from './batches/batch-deps.js';
export { driveBatch } from './batches/drive-batch.js';
export { BETA } from './batches/line-request.js';
export { recordLines, type OverLine } from './batches/record-lines.js';
export { resultPages } from './batches/result-pages.js';
export { sentenceOf } from './steps/failure-outcome.js';
