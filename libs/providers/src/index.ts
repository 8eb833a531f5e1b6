export type {
  Adapter,
  Answer,
  Call,
  ChatBody,
  FailedAttempt,
  Finish,
  ProviderRequest,
  Reply,
  StreamEvent,
  StreamReader,
  Usage,
} from './adapter.js';
export { ProviderClient, type AttemptTimeouts, type ProviderClientOptions } from './call-provider.js';
export { adapterFor } from './registry.js';
