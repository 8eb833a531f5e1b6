import type { ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import type { Emit } from '@sluice/telemetry';

/** Where jobs run that ended too many workers: in this process, in a child of it, or like all others. */
export type SuspectsRole =
  | { run: 'nowhere' }
  /** @param launch starts this program as a worker that runs suspects; its worker id has the tag */
  | { run: 'elsewhere'; launch: (tag: string) => ChildProcess }
  | { run: 'here'; tag: string };

export interface SuspectsProcessDeps {
  launch: (tag: string) => ChildProcess;
  /** The worker of that id died by itself: counts, and returns the jobs that it ran. */
  crashed: (workerId: string) => Promise<string[]>;
  newTag: () => string;
  /** How long it may take to stop, ms. */
  stopMs: number;
  emit: Emit;
  onError: (error: Error) => void;
}

/** Without suspects for so long, it ends. */
const IDLE_MS = 30_000;
const LOOK_EVERY_MS = 5_000;
/** After it died with a job in its hands: that job is to be run again. */
const AGAIN_MS = 500;
/** After it died without one, for a reason of its own; twice as long each time. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Not with the host first: `sluice worker --check` must not take it for the worker that started it. */
export const suspectsWorkerId = (pid: number, tag: string): string => `suspects@${hostname()}/${pid}-${tag}`;

/**
 * The process that runs this worker's suspects, one at a time: started when there are any, ended when there have been none
 * for a while. Only what dies here by itself is a crash of the job that it ran; when this worker is killed, the process
 * hands its job back and ends, and nobody counts.
 */
export class SuspectsProcess {
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  private again: NodeJS.Timeout | undefined;
  private seenAt = 0;
  private notBefore = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private stopped = false;

  constructor(private readonly deps: SuspectsProcessDeps) {}

  /** There are suspects. To be called again and again as long as there are. */
  seen(): void {
    this.seenAt = performance.now();
    if (this.child === undefined && !this.stopped && this.seenAt >= this.notBefore) this.start();
  }

  private start(): void {
    const { launch, newTag, emit, onError } = this.deps;
    const tag = newTag();
    const child = launch(tag);
    this.child = child;
    const looking = setInterval(() => {
      if (performance.now() - this.seenAt > IDLE_MS) child.kill('SIGTERM');
    }, LOOK_EVERY_MS);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.child = undefined;
        clearInterval(looking);
        resolve();
        if (how !== 'status 0' && !this.stopped) this.bury(child.pid, tag, how);
      };
      child.once('exit', (status, signal) => end(signal ?? `status ${status}`));
      child.on('error', (error) => {
        onError(error);
        if (child.pid === undefined) end('not started'); // without an `exit`
      });
    });
    if (child.pid !== undefined) emit('suspects.started', { workerId: suspectsWorkerId(child.pid, tag) });
  }

  private bury(pid: number | undefined, tag: string, how: string): void {
    const { crashed, emit, onError } = this.deps;
    this.notBefore = performance.now() + this.pauseMs;
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    if (pid === undefined) return;
    const workerId = suspectsWorkerId(pid, tag);
    crashed(workerId).then((jobs) => {
      emit('suspects.crashed', { workerId, how, jobs });
      if (jobs.length === 0) return;
      this.pauseMs = FIRST_PAUSE_MS;
      this.notBefore = 0;
      this.again = setTimeout(() => this.seen(), AGAIN_MS);
    }, onError);
  }

  /** The job that it runs is handed back, within its own drain time. Safe to call twice. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.again);
    const { child } = this;
    child?.kill('SIGTERM');
    const late = setTimeout(() => child?.kill('SIGKILL'), this.deps.stopMs);
    await this.ended;
    clearTimeout(late);
  }
}
