export type {
  Adapter,
  Answer,
  Call,
  ChatBody,
  Continuation,
  FailedAttempt,
  Finish,
  PrefillForm,
  ProviderRequest,
  Reply,
  StreamEvent,
  StreamReader,
  Usage,
} from './adapter.js';
export { ProviderClient, type AttemptTimeouts, type ProviderClientOptions } from './call-provider.js';
export { countTextOf } from './openai/count-text.js';
export { adapterFor } from './registry.js';
