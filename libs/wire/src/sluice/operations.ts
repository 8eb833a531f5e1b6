/** A group's queue as `GET /v1/queues` shows it. */
export interface QueueState {
  group: string;
  paused: boolean;
  /** Not begun, wherever they wait; those that may not start yet are `delayed`. */
  waiting: number;
  delayed: number;
  active: number;
  oldest_wait_ms: number | null;
  /** Of the last minute; null: nothing has waited in it. */
  starts_per_s: number | null;
  /** Those whose calls wait in the backlog, a row for each share that they have. */
  tenants: { tenant: string; weight: number; waiting: number }[];
}

/** Who runs jobs, as `GET /v1/workers` shows it. */
export interface WorkerState {
  id: string;
  object: 'worker';
  /** `lost`: silent for so long that its jobs are given to others. `drained`: it runs nothing and takes nothing. */
  status: 'running' | 'draining' | 'drained' | 'lost';
  groups: readonly string[];
  /** Jobs of each group that it runs at a time. */
  concurrency: number;
  running: number;
  runs_suspects: boolean;
  started_at: number;
  last_beat_ms: number;
}
