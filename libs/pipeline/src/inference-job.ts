import type { Mock } from '@sluice/core';
import type { Endpoint } from '@sluice/wire';

/**
 * What a caller asked for, prepared once: the request's half of "request state and attempt state are two types". It is kept
 * in the job record as JSON beside the body's own bytes. Times in Unix ms.
 */
export interface InferenceJob {
  readonly jobId: string;
  /** Name of the group whose queue it is in. */
  readonly group: string;
  /** As the caller wrote it: `model` in answers. */
  readonly model: string;
  /** What a router made of `model`; absent: `model` was no router's name. */
  readonly routed?: string;
  /**
   * Whose dialect the record's request is in, where some deployments speak it and the worker is given the caller's own body.
   * Absent: the request is a chat completion's, whatever was asked.
   */
  readonly endpoint?: Endpoint;
  /** The caller's `anthropic-beta`. */
  readonly beta?: string;
  readonly stream: boolean;
  /** `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** `n`. */
  readonly choices: number;
  readonly acceptedAtMs: number;
  /** The whole job. */
  readonly deadlineMs: number;
  /** Latest useful start: the end of the caller's wait, or the deadline. */
  readonly startByMs: number;
  /** Unstarted, it expires then. */
  readonly dueAtMs: number;
  readonly timeoutMs: number | undefined;
  readonly streamTimeoutMs: number | undefined;
  readonly maxAttempts: number | undefined;
  /** The caller's own list; empty: none wanted; absent: the configuration's. */
  readonly fallbacks: readonly string[] | undefined;
  /** Played in place of the asked group, once. */
  readonly mock?: Mock;
  readonly rejectWhenFull: boolean;
  /** Absent: none. */
  readonly tags?: readonly string[];
  /** `allowed_model_region`; absent: any. */
  readonly region?: string;
  /** What it has in common with calls that are served where it is, hashed; absent: nothing. */
  readonly stickTo?: string;
  /** Reserved with the lease: prompt and answer, estimated. */
  readonly tokens: number;
  readonly requestId: string;
  /** Its answer may be asked for long after its caller got it. */
  readonly isStored?: true;
  /** It outlives its caller's connection: it waits for whatever it needs, and its attempts are kept and told. Absent: it does not. */
  readonly durable?: {
    /** Lines of batches are too many to be told of one by one. */
    readonly kind: 'native' | 'batch' | 'background';
    /** Absent: the group's. */
    readonly midstream?: 'continue' | 'error' | 'restart';
  };
}

/** `chatcmpl-X` is the answer of `job_X`, always. */
export const answerId = (jobId: string): string => `chatcmpl-${jobId.slice(4)}`;

const CHARS_PER_TOKEN = 4;
const ANSWER_TOKENS = 256;

/** Prompt and answer. @param bodyBytes of the whole request: cheap, and a little high, which is the safe side for a limit */
export function estimateTokens(
  bodyBytes: number,
  body: Readonly<Record<string, unknown>>,
  endpoint: Endpoint | undefined,
): number {
  const hasText = endpoint !== '/v1/embeddings' && endpoint !== '/v1/moderations';
  return Math.ceil(bodyBytes / CHARS_PER_TOKEN) + (hasText ? answerTokens(body) : 0);
}

/** Of the answer: as many as are allowed. */
export function answerTokens(body: Readonly<Record<string, unknown>>): number {
  const asked = body['max_completion_tokens'] ?? body['max_tokens'];
  return typeof asked === 'number' ? asked : ANSWER_TOKENS;
}
