export { chatFormOf } from './endpoints/chat-form.js';
export { readAsked, type OwnCall } from './endpoints/own-call.js';
export { ENDPOINTS, isEndpoint, presentationOf, type Endpoint } from './endpoints/endpoints.js';
export {
  ERROR_CODES,
  errorBody,
  errorHeaders,
  errorObject,
  type ApiError,
  type ErrorCode,
  type ErrorObject,
} from './error-body.js';
export type { AnswerIdentity, AskedBody, ChatForm, EventFold, Presentation, ToChat } from './endpoints/presentation.js';
export { messageId } from './messages/message-parts.js';
export { messagesErrorBody } from './messages/messages-error.js';
export { answerAsChunk } from './openai/answer-as-chunk.js';
export { roleChunk, textChunk, usageChunk } from './openai/chat-chunk.js';
export { chatMessagesProblem, type ChatCompletionRequest, type ChatMessage } from './openai/chat-completion-request.js';
export { addDelivered, nothingDelivered, type DeliveredAnswer } from './openai/delivered-answer.js';
export { WholeCompletion } from './completions/whole-completion.js';
export { WholeAnswer } from './openai/whole-answer.js';
export { WholeMessage } from './messages/whole-message.js';
export { usageBody, type TokenUsage } from './openai/usage-body.js';
export { newAttempt, type Attempt, type AttemptError, type AttemptUsage } from './sluice/attempt.js';
export type { DurableJob, LedgerFields } from './sluice/durable-job.js';
export { isOwnParam } from './own-params.js';
export { frameHead, readFrame, readPayload, type Frame, type FrameKind } from './sluice/frame.js';
export { JobEvents, jobUsage, lastSeqOf, type EventfulJob, type EventList, type JobEnd } from './sluice/job-events.js';
export { lifeEventsOf, type LifeEvent } from './sluice/life-event.js';
export { readLedgerEntry, type LedgerEntry } from './sluice/ledger-entry.js';
export { recordOf, stringOf } from './record-of.js';
export { inputItems } from './responses/input-items.js';
export { responseId } from './responses/response-object.js';
export { NO_REASON, ResponseEventList } from './responses/response-event-list.js';
export { saidBefore } from './responses/said-before.js';
export { skipEvents } from './responses/skip-events.js';
export { rebuiltEvents, storedResponse, type ResponseProgress } from './responses/stored-response.js';
export type { Outcome, Served, TerminalState } from './sluice/outcome.js';
export { SSE_DONE, SSE_HEARTBEAT, sseData } from './sse.js';
export type { BatchDialect, BatchDialectName, LineEnd, LineIdentity } from './batches/batch-dialect.js';
export { BATCH_DIALECTS } from './batches/result-lines.js';
export type { JobView } from './sluice/job-view.js';
export type { QueueState, WorkerState } from './sluice/operations.js';
