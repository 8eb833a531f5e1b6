import type { Outage } from './outage.js';
import type { Kept } from './kept.js';
import { newBacklog, type Backlog } from './lines.js';
import type { Starts } from './starts.js';

/**
 * The jobs of one model group as Redis holds them, and what every script keeps true of them. The functions beside this
 * file are the twins of `libs/queue/src/scripts/*.lua` and `relay-frames.lua`: plain data in, plain data out, the same
 * decisions. One test replays random histories over both, another runs them against crashes, losses and repeats.
 *
 *     accept ─► queued ──begin──► running ──finish──► completed | failed | cancelled
 *                 │  ▲               │ └──the net──► failed (deadline + 30 s, whatever became of its workers)
 *                 │  └───requeue─────┘
 *                 └── cancel ► cancelled · past its queue time ► expired
 *
 * Where a job is. Exactly one of:
 *
 *     backlog   waits for its turn in a line (lines.ts); a job that was given back has its old place
 *     fed       handed to BullMQ for the n-th time (`<id>-<n>`), not begun yet; the sweep adds it again if BullMQ lacks it
 *     delayed   not before a time; the feeder lets it into its line then (durable jobs only)
 *     suspects  handed to BullMQ's queue of suspects (below), not begun yet; else as `fed`
 *     running   a run has it; `due` holds its deadline + 30 s
 *     over      terminal; in no set any more, the record and its stream have a time to live
 *
 * `due` holds every job that is not over: when it expires unstarted, or when the net ends its run. So none is forgotten.
 *
 * Who may write. `begin` raises the epoch; what a run of an older one writes is refused (`stale`). A run that is told `go`
 * was the current one at that time and its job was not over. One that begins a job that still runs took it from a lost
 * worker: a crash, and the only thing that counts as one. So it must hold the lock of BullMQ's job `<id>-<n>`, and n must
 * be the record's number: a job in the backlog has the one that it will be fed under, 1 is that of a job that went straight
 * to BullMQ. Who wakes up after its job was taken for lost, and a stray that was added late or restarted after its job was
 * given back, find nothing to do and harm no run that is well.
 *
 * Suspects. A job whose third worker was lost under it is suspected to be the cause: it is isolated, which is to say that it
 * runs among the group's suspects, one at a time in a process of their own (docs/decisions/0011-suspects.md). From then on a
 * crash is the death of that process alone, seen by the one that started it, so that workers killed from outside never add up.
 *
 * Every script may come twice: a connection that breaks takes the reply with it, and the client sends the command again.
 * The second time it changes nothing and says the same.
 *
 * Gate, burst, window. A job that found nothing free shuts the gate until somebody may be back. Then one is fed, and twice
 * as many each 50 ms, until one comes back again. BullMQ holds at most `window` jobs, those on their way to it included.
 *
 * Seqs of a job's events have no gaps over all its runs; the terminal frame has the one after the last.
 */
export interface JobGroup {
  records: Map<string, JobRecord>;
  /** Frames of each job, by first seq. */
  streams: Map<string, Map<number, string>>;
  backlog: Backlog;
  /** Job -> Unix ms. */
  due: Map<string, number>;
  /** Job -> Unix ms at which it was handed over. */
  fed: Map<string, number>;
  /** The same for jobs that were isolated. Only the sweep takes out what is over by now. */
  suspects: Map<string, number>;
  /** Job -> Unix ms before which it does not start. */
  delayed: Map<string, number>;
  /** No delayed job may start before, Unix ms. */
  laterMs: number | undefined;
  /** What is delayed, by tenant. */
  later: Map<string, { jobs: number; bytes: number }>;
  /** One `accepted` and one `over` of each durable job, in order: fields as they stand there. */
  ledger: Record<string, string>[];
  gate: Gate | undefined;
  outage: Outage | undefined;
  starts: Starts;
  /** Nothing is started. */
  isPaused: boolean;
  /** Runnable jobs that BullMQ may hold. */
  window: number;
  /** Unix ms of the last beat of any worker. */
  beatMs: number | undefined;
}

export interface Gate {
  untilMs: number;
  /** Jobs that may be fed and not begun at a time; 0: no limit. */
  burst: number;
}

export type TerminalState = 'completed' | 'failed' | 'cancelled' | 'expired';

export interface JobRecord {
  state: 'queued' | 'running' | TerminalState;
  /** Runs so far, and one more when it was ended from outside. In Redis absent while 0. */
  epoch: number;
  /** n of the `<id>-<n>` that BullMQ has, or will have. */
  fed: number;
  /** µs of its arrival. */
  order: number;
  line: string;
  replyTo: string;
  deadlineMs: number;
  job: string;
  /** Gone with the end, or when `kept` says. */
  request?: string;
  progress?: string;
  /** Last event in its stream. */
  seq?: number;
  crashes?: number;
  /** What outlives its caller's connection. */
  durable?: string;
  asked?: string;
  kept?: Kept;
  /** Of a durable job that is over. */
  finishedAtMs?: number;
  attempts?: number;
  /** Id of the job that it is tried again as, and since when (Unix ms); empty: it was, and that one was refused. */
  retriedAs?: string;
  /** A dead letter that was put away. */
  dismissed?: 1;
  isCancelled?: boolean;
  worker?: string;
  /** The run that began last: a `begin` that comes twice has the same. */
  run?: string;
  startedAtMs?: number;
  outcome?: string;
  result?: string;
  /** Time to live that was set last, ms. */
  keptMs?: number;
}

/** What a script published. */
export interface Told {
  channel: string;
  message: string;
}

/** What the scripts read of BullMQ's own keys. */
export interface BullView {
  waiting: number;
  active: number;
}

export const newJobGroup = (window = 0, beatMs?: number): JobGroup => ({
  records: new Map(),
  streams: new Map(),
  backlog: newBacklog(),
  due: new Map(),
  fed: new Map(),
  suspects: new Map(),
  delayed: new Map(),
  laterMs: undefined,
  later: new Map(),
  ledger: [],
  gate: undefined,
  outage: undefined,
  isPaused: false,
  starts: new Map(),
  window,
  beatMs,
});

export const isOver = ({ state }: JobRecord): boolean => state !== 'queued' && state !== 'running';

export const bytesOf = ({ request = '' }: JobRecord): number => Buffer.byteLength(request);

/** As `frameHead` in libs/wire; core imports nothing. */
export const terminalFrameOf = (
  jobId: string,
  { epoch, seq = 0 }: JobRecord,
  outcome: string,
  result: string,
): string => `${jobId}t${epoch},${seq + 1},0\n${outcome}\n${result}`;
