export type { Adapter, Answer, Call, ChatBody, Finish, ProviderRequest, Reply, StreamEvent, StreamReader, Usage } from './adapter.js';
