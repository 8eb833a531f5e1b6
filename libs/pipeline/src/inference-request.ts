import type { Mock, Tier } from '@sluice/core';
import type { ChatCompletionRequest, Endpoint } from '@sluice/wire';
import type { SameCall } from './claim-job.js';

/** A call as the api read it: the body's bytes travel on untouched. */
export interface InferenceRequest {
  /** What the worker is given: a chat's body, or one of `endpoint`. */
  source: Buffer;
  /** Of a body that runs as its caller asked; absent: a chat. `body` is its form in chat then. */
  endpoint?: Endpoint | undefined;
  /** `anthropic-beta`. */
  beta?: string | undefined;
  body: ChatCompletionRequest;
  options: RequestOptions;
  requestId: string;
  /** The caller may come back for it by its id: kept with all that was said. `asked`: the caller's own body. */
  stored?: { asked: Buffer } | undefined;
  /** Absent: a call of its own. */
  same?: SameCall | undefined;
}

/** From headers and body, header first (API.md 1.3). Times in ms. */
export interface RequestOptions {
  waitMs: number | undefined;
  timeoutMs: number | undefined;
  streamTimeoutMs: number | undefined;
  deadlineMs: number | undefined;
  queueTtlMs: number | undefined;
  maxAttempts: number | undefined;
  fallbacks: readonly string[] | undefined;
  /** `mock_…` members of a caller who may use them. */
  mock: Mock | undefined;
  rejectWhenFull: boolean;
  tags: readonly string[];
  /** `allowed_model_region`. */
  region: string | undefined;
  /** Who asks: the calls of each stand in lines of their own when they must wait. */
  tenant: string;
  tier: Tier;
  /** Of a conversation or the like; absent: it says none. */
  session: string | undefined;
}

/** Who does not say. */
export const DEFAULT_TENANT = 'default';
