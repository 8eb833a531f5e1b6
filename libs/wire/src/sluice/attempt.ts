/** One try of a durable job at one deployment, as `GET /v1/jobs/ID/attempts` shows it and as its record keeps it. */
export interface Attempt {
  /** `att_` and a UUIDv7. */
  id: string;
  /** 1 for the first. */
  number: number;
  deployment: string;
  provider: string | null;
  /** As the provider knows it. */
  model: string | null;
  /** Unix s, as all that ends in `_at`. Null: not known, of calls that were waited for. */
  started_at: number | null;
  finished_at: number | null;
  /** From its start to its first content. */
  ttft_ms: number | null;
  usage: AttemptUsage | null;
  cost_usd: number | null;
  /** Null while it runs. `handed_back`: its worker stopped. `crashed`: its worker was lost. */
  outcome: 'succeeded' | 'failed' | 'cancelled' | 'handed_back' | 'crashed' | null;
  error: AttemptError | null;
  provider_request_id: string | null;
  /** Why it was this deployment, of those that could have been asked. */
  considered: { deployment: string; verdict: string; reason: string | null; until: number | null }[];
}

export interface AttemptUsage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  estimated: boolean;
}

export interface AttemptError {
  /** Of the failure: `rate_limit`, `timeout`, … */
  kind: string;
  /** What a caller is told when it is final. */
  code: string;
  message: string;
  /** The provider's. */
  http_status: number | null;
}

/**
 * The id is made of the job's: time of the start, then the job's own random bits, then the number.
 * @param number 1..65535
 */
const attemptId = (jobId: string, number: number, startedMs: number): string =>
  `att_${startedMs.toString(16).padStart(12, '0')}${jobId.slice(16, 32)}${(number & 0xffff).toString(16).padStart(4, '0')}`;

/** One that begins: nothing more is known of it. */
export const newAttempt = (jobId: string, number: number, deployment: string, startedMs: number): Attempt => ({
  id: attemptId(jobId, number, startedMs),
  number,
  deployment,
  provider: null,
  model: null,
  started_at: Math.floor(startedMs / 1_000),
  finished_at: null,
  ttft_ms: null,
  usage: null,
  cost_usd: null,
  outcome: null,
  error: null,
  provider_request_id: null,
  considered: [],
});
