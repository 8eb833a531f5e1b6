export { answerId, type InferenceJob } from './inference-job.js';
export { noWorker } from './no-worker.js';
export type { RunDeps } from './run-deps.js';
export { runInference } from './run-inference.js';
export {
  DEFAULT_TENANT,
  submitInference,
  unknownModel,
  type InferenceRequest,
  type RequestOptions,
  type SubmitDeps,
  type Submitted,
} from './submit-inference.js';
export { SlotBook } from './slot-book.js';
export { WaitingRoom } from './waiting-room.js';
