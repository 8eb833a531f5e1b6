/**
 * Every event that Sluice logs, in the past tense, with the fields it carries. A log line is one of these: dashboards
 * and alerts are written against this list, so a rename here is a breaking change. Ids and numbers; never a prompt or key.
 */
export interface Events {
  'api.listening': { url: string };
  'job.finished': { jobId: string; group: string; state: string; code?: string; attempts: number; durationMs: number };
  'job.requeued': { jobId: string; group: string; reason: 'no_capacity' | 'drain' };
  'job.run_stopped': { jobId: string; group: string; reason: 'stale' };
  /** Its worker was lost under it so many times: from here on it runs by itself. */
  'job.isolated': { jobId: string; group: string; crashes: number };
  /** A second deployment was asked as well, since the first was slow to begin. */
  'attempt.hedged': { jobId: string; deployment: string; second: string };
  'attempt.failed': {
    jobId: string;
    deployment: string;
    kind: string;
    status?: number;
    durationMs: number;
    detail: string;
  };
  'deployment.opened': { deployment: string; group: string; reason: string; untilMs: number };
  /** Its key, permission, quota or model is wrong: it takes no calls for five minutes. Somebody must repair it. */
  'deployment.out': { deployment: string; group: string; kind: string; untilMs: number };
  'deployment.closed': { deployment: string; group: string };
  'deployment.cooled': { deployment: string; group: string; reason: string; untilMs: number };
  'worker.started': { workerId: string; groups: string[]; concurrency: number };
  'worker.draining': { workerId: string; running: number };
  'worker.drained': { workerId: string; durationMs: number };
  'worker.declared_dead': { workerId: string; jobsFreed: number };
  /** Another configuration is in force. `atNextStart`: changed in it, and not taken while the process runs. */
  'config.reloaded': {
    hash: string;
    groupsAdded: readonly string[];
    groupsRemoved: readonly string[];
    atNextStart: readonly string[];
  };
  /** It was read and not taken: the one before stays in force. */
  'config.rejected': { errors: readonly string[] };
  /** A group that was taken out of the configuration has no more jobs. */
  'group.drained': { group: string };
  /** Its jobs were left over at a restart without it. */
  'group.jobs_left_over': { group: string; jobs: number };
  /** The process that runs isolated jobs. `jobs`: what it ran when it died by itself. */
  'suspects.started': { workerId: string };
  'suspects.crashed': { workerId: string; how: string; jobs: string[] };
  /** Nobody wrote the ledger for so long that its oldest entries were given up: history has a gap. */
  'ledger.overflowed': { group: string; entries: number };
  /** Days of history whose time is over. */
  'history.dropped': { partitions: string[] };
  'redis.lost': { message: string };
  'redis.back': { afterMs: number };
  /** PostgreSQL cannot be used: told once a minute, for as long as somebody needs it. */
  'database.away': { message: string };
  /** New calls are refused from 90 % of maxmemory on, until it is below 85 %. */
  'storage.full': { usedPercent: number };
  'storage.has_room': { usedPercent: number };
  /** It was tried as often as it may be, or its receiver wants nothing more. */
  'webhook.delivery_failed': { deliveryId: string; tries: number; error: string };
  /** It answered 410, or took nothing for 72 hours. */
  'webhook.endpoint_disabled': { endpointId: string; reason: string };
  'internal.error': { area: string; message: string };
}

export type EventName = keyof Events;
export type Emit = <Name extends EventName>(event: Name, fields: Events[Name]) => void;

/** Per-call successes are debug: at thousands of calls a second a line each would cost more than the calls' own code. */
export const LEVEL_OF: Record<EventName, 'debug' | 'info' | 'warn' | 'error'> = {
  'api.listening': 'debug',
  'job.finished': 'debug',
  'job.requeued': 'debug',
  'job.run_stopped': 'warn',
  'job.isolated': 'warn',
  'attempt.hedged': 'info',
  'attempt.failed': 'info',
  'deployment.opened': 'warn',
  'deployment.out': 'error',
  'deployment.closed': 'info',
  'deployment.cooled': 'info',
  'worker.started': 'info',
  'worker.draining': 'info',
  'worker.drained': 'info',
  'worker.declared_dead': 'warn',
  'config.reloaded': 'info',
  'config.rejected': 'error',
  'group.drained': 'info',
  'group.jobs_left_over': 'warn',
  'suspects.started': 'info',
  'suspects.crashed': 'error',
  'ledger.overflowed': 'error',
  'history.dropped': 'info',
  'redis.lost': 'error',
  'redis.back': 'info',
  'database.away': 'error',
  'storage.full': 'error',
  'storage.has_room': 'info',
  'webhook.delivery_failed': 'warn',
  'webhook.endpoint_disabled': 'warn',
  'internal.error': 'error',
};
