import type { TerminalState } from './outcome.js';

/** A job as its owner sees it (API.md 4). Null: none yet, or not known. */
export interface JobView {
  id: string;
  object: 'job';
  status: 'queued' | 'delayed' | 'running' | TerminalState;
  cancelling: boolean;
  endpoint: string;
  model: string;
  priority: string;
  metadata: Record<string, string>;
  batch_id: string | null;
  attempts: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  not_before: number | null;
  queue_expires_at: number | null;
  deadline_at: number | null;
  result_expires_at: number | null;
  queue_position: number | null;
  eta_ms: number | null;
  deployment: string | null;
  /** Of its events; null: its endpoint's own events are counted when they are told. */
  last_seq: number | null;
  cost_usd: number | null;
  retried_from: string | null;
  retried_as: string | null;
  error: { message: string; type: string; param: string | null; code: string } | null;
  timings: {
    queued_ms: number | null;
    delayed_ms: number | null;
    ttft_ms: number | null;
    upstream_ms: number | null;
    total_ms: number | null;
  };
  usage: { input_tokens: number; output_tokens: number; total_tokens: number; estimated: boolean } | null;
  /** On `include=output`. */
  output_so_far?: string | null;
}
