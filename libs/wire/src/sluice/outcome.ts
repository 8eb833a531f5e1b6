import type { ErrorCode } from '../error-body.js';
import type { Attempt } from './attempt.js';

/** Who serves a job: what the response headers say. Known with the first content, so it travels in the head frame. */
export interface Served {
  /** `x-litellm-model-id`. */
  deployment: string;
  /** `x-litellm-model-group`: the asked group, or the fallback group that serves. */
  group: string;
  /** `x-litellm-model-api-base`: origin only. */
  apiBase: string;
  /** Attempts beyond the first, over all groups. */
  retries: number;
  /** Fallback groups entered. */
  fallbacks: number;
  maxRetries: number;
  /** What the routing strategy weighed it by; absent: there was no choice. */
  measure?: { by: string; value?: number };
}

export type TerminalState = 'completed' | 'failed' | 'cancelled' | 'expired';

/** How a job ended: written once, in the record and the terminal frame. */
export interface Outcome {
  state: TerminalState;
  /** Absent when no deployment was asked. */
  served?: Served;
  error?: { code: ErrorCode; message: string; param?: string; retryAfterMs?: number };
  usage?: { prompt: number; completion: number; estimated: boolean };
  /** Attempts that failed, and why each was made where it was; absent: none failed. */
  tried?: readonly { deployment: string; kind: string; atMs: number; considered?: readonly unknown[] }[];
  /** Of a background response that has completed: why its model stopped, in chat's words. */
  finish?: string;
  /** Of a durable or stored stream: the SSE events that end it. Its result is the whole answer, as if it had been no stream. */
  tail?: string;
  /** Of a durable job: all that were made, or the first and the last of very many. */
  attempts?: readonly Attempt[];
  /** Of a durable job: what its attempts cost, failed ones too; absent: not known. */
  costUsd?: number;
  /** Of a durable job: from its acceptance to the first content. */
  ttftMs?: number;
  /** When a run ended it, Unix ms; absent: no run did. */
  atMs?: number;
  /** Time inside provider calls, ms: what `overhead-duration-ms` leaves out. */
  upstreamMs?: number;
}
