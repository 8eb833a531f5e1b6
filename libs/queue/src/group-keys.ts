/**
 * Redis keys of a model group. The braces are Redis Cluster's hash tag: one model group is one slot, so that one script
 * or pipeline covers a group. BullMQ's own keys begin with `${prefix}:inference:`.
 */
export interface GroupKeys {
  readonly group: string;
  readonly prefix: string;
  readonly backlog: string;
  readonly due: string;
  readonly fed: string;
  readonly pace: string;
  readonly starts: string;
  readonly linePrefix: string;
  readonly delayed: string;
  /** What became of the durable jobs, in order. */
  readonly ledger: string;
  readonly workers: string;
  readonly capacity: string;
  readonly sweeper: string;
  readonly bullWait: string;
  readonly bullActive: string;
  readonly bullStalled: string;
  readonly bullStalledCheck: string;
  readonly bullJob: string;
  /** Suspects that were handed to their queue and not begun yet, as `fed` of the others. */
  readonly suspects: string;
  readonly suspectWait: string;
  readonly suspectActive: string;
  readonly suspectStalled: string;
  readonly suspectStalledCheck: string;
  readonly suspectJob: string;
  readonly recordPrefix: string;
  /** Of all keys of the group. */
  readonly keyPrefix: string;
  record(jobId: string): string;
  stream(jobId: string): string;
}

/**
 * BullMQ's name for the queue of every model group. The group is in the prefix: a queue name may hold no colon, and the
 * name of a model group may (`llama3:8b`).
 */
export const INFERENCE = 'inference';
/** And for the queue of its suspects: jobs that ended too many workers. */
export const SUSPECTS = 'suspects-queue';

export const queuePrefix = (group: string): string => `{sluice:${group}}`;

const known = new Map<string, GroupKeys>();

export function keysOf(group: string): GroupKeys {
  const found = known.get(group);
  if (found !== undefined) return found;
  const prefix = queuePrefix(group);
  const keys: GroupKeys = {
    group,
    prefix,
    backlog: `${prefix}:backlog`,
    due: `${prefix}:due`,
    fed: `${prefix}:fed`,
    pace: `${prefix}:pace`,
    starts: `${prefix}:starts`,
    linePrefix: `${prefix}:line:`,
    delayed: `${prefix}:delayed`,
    ledger: `${prefix}:ledger`,
    workers: `${prefix}:workers`,
    capacity: `${prefix}:capacity`,
    sweeper: `${prefix}:sweeper`,
    bullWait: `${prefix}:${INFERENCE}:wait`,
    bullActive: `${prefix}:${INFERENCE}:active`,
    bullStalled: `${prefix}:${INFERENCE}:stalled`,
    bullStalledCheck: `${prefix}:${INFERENCE}:stalled-check`,
    bullJob: `${prefix}:${INFERENCE}:`,
    suspects: `${prefix}:suspects`,
    suspectWait: `${prefix}:${SUSPECTS}:wait`,
    suspectActive: `${prefix}:${SUSPECTS}:active`,
    suspectStalled: `${prefix}:${SUSPECTS}:stalled`,
    suspectStalledCheck: `${prefix}:${SUSPECTS}:stalled-check`,
    suspectJob: `${prefix}:${SUSPECTS}:`,
    recordPrefix: `${prefix}:job:`,
    keyPrefix: `${prefix}:`,
    record: (jobId) => `${prefix}:job:${jobId}`,
    stream: (jobId) => `${prefix}:stream:${jobId}`,
  };
  known.set(group, keys);
  return keys;
}

/** Workers of the whole installation: id -> last beat, Redis TIME in ms. */
export const WORKERS = 'sluice:workers';
/** What a worker says of itself: groups, host, pid. */
export const workerKey = (workerId: string): string => `sluice:worker:${workerId}`;
/** Where a worker hears that a job it runs is cancelled; the message is the job's id. */
export const WORKER_CHANNEL = 'sluice:worker:';
export const cancelChannel = (workerId: string): string => `${WORKER_CHANNEL}${workerId}:cancel`;
/** Where it hears that it shall take no more jobs. */
export const drainChannel = (workerId: string): string => `${WORKER_CHANNEL}${workerId}:drain`;
/** Told when a group's backlog got a job although BullMQ has room; the message is the group. */
export const FEED_CHANNEL = 'sluice:feed';
/** Told when a group's ledger got an entry; the message is the group. */
export const LEDGER_CHANNEL = 'sluice:ledger';
export const REAPER = 'sluice:reaper';
/** A worker silent for so long is dead. */
export const SILENCE_MS = 7_000;
