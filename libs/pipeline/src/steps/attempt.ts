import type { Failure, LimitNews } from '@sluice/core';
import type { Usage } from '@sluice/providers';

/** How one try of a job at one deployment ended. */
export type Attempt = AnsweredAttempt | FailedAttempt;

export interface AnsweredAttempt {
  kind: 'answered';
  /** JSON call: the answer. Stream: the SSE events that end it. */
  body: string;
  usage: Usage | undefined;
  /** Of a stream: what its caller is told, which is not what it cost where an answer went on with another. */
  told?: Usage | undefined;
  /** The provider's; absent: it sent none. */
  requestId?: string;
  /** What the provider said of its own limits. */
  limits?: LimitNews;
  durationMs: number;
  /** Of a stream; absent: none came. */
  firstContentMs: number | undefined;
}

export interface FailedAttempt {
  kind: 'failed';
  failure: Failure;
  /** Content of this attempt has been sent on: it cannot be retried in silence. */
  isCommitted: boolean;
  /** What it cost all the same: as the provider said, or of what was sent on. */
  usage?: Usage;
  limits?: LimitNews;
  durationMs: number;
  firstContentMs: number | undefined;
}

export type Untimed<Timed> = Timed extends Attempt ? Omit<Timed, 'durationMs' | 'firstContentMs'> : never;
