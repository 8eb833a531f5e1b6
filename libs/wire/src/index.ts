export { ERROR_CODES, errorBody, errorHeaders, type ApiError, type ErrorCode } from './error-body.js';
export { roleChunk, textChunk, usageChunk } from './openai/chat-chunk.js';
export { chatMessagesProblem, type ChatCompletionRequest, type ChatMessage } from './openai/chat-completion-request.js';
export { addDelivered, nothingDelivered, type DeliveredAnswer } from './openai/delivered-answer.js';
export { usageBody, type TokenUsage } from './openai/usage-body.js';
export { frameHead, readFrame, readPayload, type Frame, type FrameKind } from './sluice/frame.js';
export type { Outcome, Served, TerminalState } from './sluice/outcome.js';
export { SSE_DONE, SSE_HEARTBEAT, sseData } from './sse.js';
