import { COMPLETIONS_PRESENTATION } from '../completions/completions-presentation.js';
import { INPUT_PRESENTATION } from '../inputs/input-presentation.js';
import { MESSAGES_PRESENTATION } from '../messages/messages-presentation.js';
import { CHAT_PRESENTATION } from './chat-presentation.js';
import { RESPONSES_PRESENTATION } from '../responses/responses-presentation.js';
import type { Presentation } from './presentation.js';

/** What a job can be asked through: `endpoint` of native jobs, `url` of batch lines, `endpoint` of batches. */
export const ENDPOINTS = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/messages',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/moderations',
] as const;

export type Endpoint = (typeof ENDPOINTS)[number];

export const isEndpoint = (path: unknown): path is Endpoint => ENDPOINTS.includes(path as Endpoint);

/** Those that are served so far. */
const PRESENTATIONS: ReadonlyMap<Endpoint, Presentation> = new Map<Endpoint, Presentation>([
  ['/v1/chat/completions', CHAT_PRESENTATION],
  ['/v1/responses', RESPONSES_PRESENTATION],
  ['/v1/messages', MESSAGES_PRESENTATION],
  ['/v1/completions', COMPLETIONS_PRESENTATION],
  ['/v1/embeddings', INPUT_PRESENTATION],
  ['/v1/moderations', INPUT_PRESENTATION],
]);

/** Undefined: nothing serves it here (yet). */
export const presentationOf = (endpoint: Endpoint): Presentation | undefined => PRESENTATIONS.get(endpoint);
