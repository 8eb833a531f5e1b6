import type { ApiError } from '../error-body.js';

/** How one line ended. `cancelled`, `expired`: with its batch, whether it had begun or not. */
export type LineEnd = 'succeeded' | 'errored' | 'cancelled' | 'expired';

export interface LineIdentity {
  customId: string;
  /** `job_X`; of a line that was never begun: the id that its job would have had. */
  jobId: string;
}

/** What batches of one vendor's look like where they differ. The engine below is the same. */
export interface BatchDialect {
  /** Failed lines stand in a file of their own. */
  splitsErrors: boolean;
  /** @param body the endpoint's own answer, JSON without line breaks */
  succeeded: (line: LineIdentity, body: string) => string;
  /** @param errorBody the endpoint's own body of that error */
  errored: (line: LineIdentity, error: ApiError, errorBody: string) => string;
  unrun: (line: LineIdentity, end: 'cancelled' | 'expired') => string;
}

export type BatchDialectName = 'openai' | 'anthropic';
