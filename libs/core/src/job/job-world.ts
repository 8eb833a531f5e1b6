import { acceptJob, type AcceptAsk } from './accept-job.js';
import { cancelJob, expireJob, finishJob, type EndAsk } from './end-job.js';
import { feedWindow, sweepGroup, type FedJob, type SweepReply } from './feed-window.js';
import {
  bytesOf,
  isOver,
  newJobGroup,
  type JobGroup,
  type JobRecord,
  type TerminalState,
  type Told,
} from './job-group.js';
import { inOrder, tenantOf } from './lines.js';
import { countSuspectCrash, isolateJob } from './isolate-job.js';
import { beginJob, noteAttempt, relayFrames, requeueJob, type RunVerdict } from './run-job.js';

/** A worker's try at a job that BullMQ gave it. */
interface Run {
  /** SUSPECTS_WORKER runs the suspects and nothing else. */
  worker: number;
  bullId: string;
  jobId: string;
  feedNumber: number;
  token: string;
  epoch: number;
  seq: number;
  phase: 'fetched' | 'suspected' | 'going' | 'cancelled' | 'leaving';
  /** What becomes of its BullMQ job. */
  leaves: 'complete' | 'fail' | 'to wait';
  /** A command whose reply was lost with the connection: the client sends it again before anything else. */
  again: (() => void) | undefined;
  isDead: boolean;
}

/** BullMQ's job. An `add` of an id that exists is dropped without a word. */
interface BullJob {
  jobId: string;
  isSuspect: boolean;
  feedNumber: number;
  place: 'wait' | 'active' | 'failed';
  /** Token of the run that holds it; gone with its worker, or when it was not renewed in time. */
  lock: string | undefined;
}

/** What callers and checkers saw of a job. */
interface Seen {
  lastSeq: number;
  over: string | undefined;
  crashes: number;
  /** The run that began last and has neither ended nor given back the job. */
  holder: Run | undefined;
  /** The last number that the feeder gave out. */
  fed: number;
  /** Entries of the ledger. */
  accepted: number;
  ended: number;
}

const WORKERS = 3;
const SUSPECTS_WORKER = 3;
/** Three in the product; some jobs are isolated at once here, or few schedules would come so far. */
const suspectFrom = (jobId: string): number => (jobId.endsWith('1') ? 3 : 1);
const WINDOW = 3;
const MOST_JOBS = 4;
const OVERDUE_MS = 30_000;
const LIMITS = { atMost: 500, addLostMs: 5_000, addTakesMs: 1_000 };
const SECOND_US = 1_000_000;
const BOUNDS = { jobs: 99, bytes: 99, tenantJobs: 99, tenantBytes: 99 };
const LINES = ['1:a', '4:a', '1:b'];
const KEPT = { resultMs: 86_400_000, requestMs: 0, deadLetterMs: 604_800_000 };

/**
 * Apis, workers, feeders, sweepers and a BullMQ around one group of jobs, in memory, for tests: everything between two
 * commands to Redis can be delayed, lost, repeated or cut off by a crash. Each step checks what must hold after every step
 * and throws what does not. A step that finds nothing to do does nothing.
 */
export class JobWorld {
  readonly group: JobGroup = newJobGroup(WINDOW);
  private nowUs = 1_800_000_000 * SECOND_US;
  private readonly bull = new Map<string, BullJob>();
  private wait: string[] = [];
  private suspectWait: string[] = [];
  private runs: Run[] = [];
  /** Adds that are on their way to BullMQ. */
  private adds: (FedJob & { isSuspect?: boolean })[] = [];
  /** What a sweeper found and has not ended yet. */
  private overdue: SweepReply['overdue'] = [];
  private readonly seen = new Map<string, Seen>();
  private readonly notBefore = new Map<string, number>();
  /** Entries of the ledger that were read. */
  private read = 0;
  private jobs: string[] = [];
  private tokens = 0;
  readonly reached = new Set<string>();

  /** @param pick which of the runs, jobs, adds … that the step could be about */
  do(step: Step, pick: number): void {
    this.nowUs++;
    this.steps[step](pick);
    this.check();
  }

  private readonly steps: Record<Step, (pick: number) => void> = {
    accept: (pick) => this.accept(this.newJob(), pick, true, 'added'),
    'accept, add late': (pick) => this.accept(this.newJob(), pick, true, 'late'),
    'accept, add lost': (pick) => this.accept(this.newJob(), pick, true, 'lost'),
    'accept to backlog': (pick) => this.accept(this.newJob(), pick, false, 'lost'),
    submit: (pick) => this.accept(this.newJob(), pick, true, 'added', 'durable'),
    'submit, add lost': (pick) => this.accept(this.newJob(), pick, false, 'lost', 'durable'),
    'submit for later': (pick) => this.accept(this.newJob(), pick, false, 'lost', 'delayed'),
    'accept again': (pick) => this.accept(this.jobs[pick % this.jobs.length], pick, true, 'added'),
    cancel: (pick) => this.cancel(this.jobs[pick % this.jobs.length]),
    'add arrives': (pick) => this.addArrives(pick, false),
    'add arrives, and will again': (pick) => this.addArrives(pick, true),
    'add is lost': (pick) => void this.adds.splice(pick % Math.max(1, this.adds.length), 1),
    fetch: (pick) => this.fetch(pick % WORKERS),
    'fetch a suspect': () => this.fetchSuspect(),
    isolate: (pick) => this.command('suspected', pick, (run) => this.isolate(run)),
    'isolate, unheard': (pick) => this.command('suspected', pick, (run) => this.isolate(run), true),
    begin: (pick) => this.command('fetched', pick, (run) => this.begin(run)),
    'begin, unheard': (pick) => this.command('fetched', pick, (run) => this.begin(run), true),
    call: (pick) => this.command('going', pick, (run) => this.call(run)),
    relay: (pick) => this.command('going', pick, this.relay(pick)),
    'relay, unheard': (pick) => this.command('going', pick, this.relay(pick), true),
    finish: (pick) => this.command('going', pick, this.finish(pick % 2 === 0 ? 'completed' : 'failed')),
    'finish, unheard': (pick) => this.command('going', pick, this.finish('completed'), true),
    'end cancelled': (pick) => this.command('cancelled', pick, this.finish('cancelled')),
    'give back': (pick) => this.command('going', pick, this.giveBack(pick)),
    'give back, unheard': (pick) => this.command('going', pick, this.giveBack(pick), true),
    'hand back': (pick) => this.command('going', pick, this.handBack()),
    'hand back, unheard': (pick) => this.command('going', pick, this.handBack(), true),
    'write after the end': (pick) => this.writeLate(pick),
    throw: (pick) => this.throw(pick),
    leave: (pick) => this.command('leaving', pick, (run) => this.leave(run)),
    crash: (pick) => this.crash(pick % WORKERS, pick % 2 === 0),
    'suspects die by themselves': () => this.suspectsDie(true),
    'suspects die with their worker': () => this.suspectsDie(false),
    'lock is lost': (pick) => this.loseLock(pick),
    'stalled check': () => this.restartStalled(),
    feed: () => this.feed(),
    sweep: () => this.sweep(),
    'sweep suspects': () => this.sweepSuspects(),
    'end overdue': (pick) => this.endOverdue(pick),
    pause: () => void (this.group.isPaused = true),
    resume: () => void (this.group.isPaused = false),
    'time passes': (pick) => void (this.nowUs += [1_000, 1, 6, 65][pick % 4]! * (pick % 4 === 0 ? 1 : SECOND_US)),
  };

  private newJob(): string | undefined {
    if (this.jobs.length >= MOST_JOBS) return undefined;
    const jobId = `job${this.jobs.length}`;
    this.jobs.push(jobId);
    return jobId;
  }

  private accept(
    jobId: string | undefined,
    pick: number,
    isDirect: boolean,
    add: 'added' | 'late' | 'lost',
    what: 'plain' | 'durable' | 'delayed' = 'plain',
  ): void {
    if (jobId === undefined) return;
    this.group.beatMs = what === 'plain' ? this.nowMs : undefined; // nobody there: a durable job waits for a worker too
    const notBeforeMs = what === 'delayed' ? this.nowMs + [5_000, 20_000][pick % 2]! : 0;
    const durable = { about: jobId, notBeforeMs };
    const also: Partial<AcceptAsk> = what === 'plain' ? {} : { durable, kept: KEPT };
    const ask = { jobId, isDirect, request: 'q', job: 'j', replyTo: 'inbox', isLone: false, bounds: BOUNDS };
    const dueInMs = Math.max(0, notBeforeMs - this.nowMs) + [3_000, 60_000][pick % 2]!;
    const deadlineMs = Math.max(this.nowMs, notBeforeMs) + 60_000;
    const times = { dueInMs, deadlineMs, startInMs: 1, silenceMs: 7_000 };
    const line = LINES[pick % LINES.length]!;
    const reply = acceptJob(this.group, this.bullView(), { ...ask, ...times, ...also, line }, this.nowUs);
    must(reply.kind === 'accepted', 'a living group takes a job');
    if (!this.seen.has(jobId)) {
      const unseen = { lastSeq: 0, over: undefined, crashes: 0, holder: undefined, fed: 0 };
      this.seen.set(jobId, { ...unseen, accepted: 0, ended: 0 });
      if (notBeforeMs > 0) this.notBefore.set(jobId, notBeforeMs);
    }
    if (!isDirect || add === 'lost') return;
    const job = { jobId, feedNumber: 1, replyTo: 'inbox' };
    if (add === 'late') this.adds.push(job);
    else this.add(job);
  }

  private cancel(jobId: string | undefined): void {
    if (jobId === undefined) return;
    const { kind, told } = cancelJob(
      this.group,
      { jobId, outcome: 'cancelled', keptMs: 1, keptAtLeastMs: 1, workerChannel: 'w:' },
      this.nowMs,
    );
    this.reached.add(`cancel: ${kind}`);
    if (kind === 'cancelled') this.hear(jobId, told);
  }

  private addArrives(pick: number, again: boolean): void {
    const at = pick % Math.max(1, this.adds.length);
    const job = this.adds[at];
    if (job === undefined) return;
    if (!again) this.adds.splice(at, 1);
    this.add(job);
  }

  private add({ jobId, feedNumber, isSuspect = false }: FedJob & { isSuspect?: boolean }): void {
    const bullId = `${jobId}-${feedNumber}`;
    if (this.bull.has(bullId)) {
      must(this.bull.get(bullId)!.isSuspect === isSuspect, 'a number belongs to one queue');
      return;
    }
    if (feedNumber < (this.group.records.get(jobId)?.fed ?? 0)) this.reached.add('a stray');
    this.bull.set(bullId, { jobId, isSuspect, feedNumber, place: 'wait', lock: undefined });
    (isSuspect ? this.suspectWait : this.wait).push(bullId);
  }

  private fetch(worker: number): void {
    this.take(worker, this.wait.shift());
  }

  private fetchSuspect(): void {
    if (this.runs.some(({ worker }) => worker === SUSPECTS_WORKER)) return; // one at a time
    this.take(SUSPECTS_WORKER, this.suspectWait.shift());
  }

  private take(worker: number, bullId: string | undefined): void {
    if (bullId === undefined) return;
    const job = this.bull.get(bullId)!;
    const token = `t${++this.tokens}`;
    Object.assign(job, { place: 'active', lock: token });
    const { jobId, feedNumber } = job;
    const asFetched = { phase: 'fetched', leaves: 'complete', again: undefined, isDead: false } as const;
    this.runs.push({ ...asFetched, worker, bullId, jobId, feedNumber, token, epoch: 0, seq: 0 });
  }

  /** @param isUnheard Redis does it and the reply is lost: it will be sent again */
  private command(phase: Run['phase'], pick: number, action: (run: Run) => () => void, isUnheard = false): void {
    let nth = 0;
    for (const run of this.runs) if (run.phase === phase) nth++;
    nth = pick % Math.max(1, nth);
    const run = this.runs.find((r) => r.phase === phase && nth-- === 0);
    if (run === undefined) return;
    if (run.again !== undefined) {
      const { again } = run;
      run.again = undefined;
      this.reached.add('sent again');
      again();
      return;
    }
    const hearReply = action(run);
    if (isUnheard) run.again = () => action(run)();
    else hearReply();
  }

  private begin(run: Run): () => void {
    const { jobId, feedNumber, token } = run;
    const before = this.group.records.get(jobId);
    const wasRunning = before?.state === 'running';
    const epochBefore = before?.epoch;
    const asWorker = {
      workerId: String(run.worker),
      runId: token,
      holdsLock: this.holdsLock(run),
      overdueMs: OVERDUE_MS,
      suspectFrom: run.worker === SUSPECTS_WORKER ? ('here' as const) : suspectFrom(jobId),
    };
    const reply = beginJob(this.group, { jobId, feedNumber, ...asWorker }, this.nowMs);
    if (reply.kind === 'suspect') return () => void (run.phase = 'suspected');
    if (reply.kind !== 'begun') {
      this.reached.add(`begin: ${reply.kind}`);
      return () => void (run.phase = 'leaving');
    }
    const seen = this.seen.get(jobId)!;
    must((this.notBefore.get(jobId) ?? 0) <= this.nowMs, 'nothing starts before its time');
    if (reply.epoch !== epochBefore) {
      if (wasRunning) {
        must(seen.holder === undefined || this.isLost(seen.holder), 'a run that is well is not taken over');
        if (run.worker === SUSPECTS_WORKER) this.reached.add('a suspect was killed from outside');
        else {
          seen.crashes++;
          this.reached.add('crash counted');
        }
      }
      seen.holder = run;
    } else must(seen.holder === run, 'an epoch belongs to one run');
    return () => {
      Object.assign(run, { epoch: reply.epoch, seq: reply.seq, phase: reply.isCancelled ? 'cancelled' : 'going' });
    };
  }

  private isolate(run: Run): () => void {
    const { jobId, feedNumber } = run;
    const before = this.group.records.get(jobId)!.crashes ?? 0;
    const reply = isolateJob(this.group, { jobId, feedNumber, holdsLock: this.holdsLock(run) }, this.nowMs);
    if (reply !== undefined && reply.crashes > before) {
      const seen = this.seen.get(jobId)!;
      must(seen.holder === undefined || this.isLost(seen.holder), 'a run that is well is not taken over');
      seen.holder = undefined;
      seen.crashes++;
      must(reply.feedNumber > seen.fed, 'no number is fed twice');
      seen.fed = reply.feedNumber;
      this.reached.add('isolated');
    }
    return () => {
      run.phase = 'leaving';
      if (reply !== undefined) this.adds.push({ jobId, ...reply, isSuspect: true });
    };
  }

  private call(run: Run): () => void {
    const verdict = noteAttempt(this.group, run.jobId, run.epoch, `after ${run.epoch}`);
    const record = this.group.records.get(run.jobId)!;
    const mayCall = record.state === 'running' && record.epoch === run.epoch;
    must(verdict !== 'go' || mayCall, 'no call begins under a stale epoch or once the job is over');
    must(verdict !== 'go' || this.seen.get(run.jobId)!.holder === run, 'no call begins beside another run');
    return () => this.obey(run, verdict);
  }

  private relay(pick: number) {
    const events = 1 + (pick % 3);
    return (run: Run): (() => void) => {
      const { jobId, epoch, seq } = run;
      const frame = `${jobId}e${epoch},${seq + 1},${events}\n`;
      const ask = { jobId, epoch, firstSeq: seq + 1, lastSeq: seq + events, frame };
      const { verdict, told } = relayFrames(this.group, ask);
      this.hear(jobId, told);
      return () => {
        run.seq += events;
        this.obey(run, verdict);
      };
    };
  }

  private finish(state: TerminalState) {
    return (run: Run): (() => void) => {
      const ask = endOf(run.jobId, state, `by ${run.token}`);
      const reply = finishJob(this.group, run.epoch, ask, true, this.nowMs);
      if (reply.kind === 'finished') {
        this.hear(run.jobId, reply.told);
        this.seen.get(run.jobId)!.holder = undefined;
      } else {
        must(this.group.records.get(run.jobId)!.outcome !== ask.outcome, 'a run hears that its end was written');
        this.checkStale(run);
      }
      return () => {
        run.phase = 'leaving';
        run.leaves = state === 'failed' && reply.kind === 'finished' ? 'fail' : 'complete';
      };
    };
  }

  private giveBack(pick: number) {
    const untilMs = [0, this.nowMs + 500, this.nowMs + 2_000][pick % 3]!;
    return (run: Run): (() => void) => this.requeue(run, untilMs);
  }

  private handBack() {
    return (run: Run): (() => void) => this.requeue(run, undefined);
  }

  private requeue(run: Run, untilMs: number | undefined): () => void {
    const { jobId, epoch } = run;
    const dueAtMs = this.group.records.get(jobId)!.deadlineMs;
    const isSuspect = run.worker === SUSPECTS_WORKER;
    if (isSuspect) untilMs = undefined; // it has no way back to the backlog
    const reply = requeueJob(this.group, { jobId, epoch, progress: 'p', dueAtMs, untilMs, isSuspect }, this.nowMs);
    const seen = this.seen.get(jobId)!;
    if (reply === 'requeued' && seen.holder === run) seen.holder = undefined;
    if (reply === 'stale') this.checkStale(run);
    return () => {
      if (reply === 'cancelled') run.phase = 'cancelled';
      else {
        run.phase = 'leaving';
        if (reply === 'requeued') run.leaves = untilMs === undefined ? 'to wait' : 'complete';
      }
    };
  }

  /** What the provider still sends to a run that has ended or given back its job. */
  private writeLate(pick: number): void {
    const run = this.runs.filter(({ phase, epoch }) => phase === 'leaving' && epoch > 0)[pick % WORKERS];
    if (run === undefined || this.seen.get(run.jobId)!.holder === run) return;
    const { jobId, epoch, seq } = run;
    const frame = { jobId, epoch, firstSeq: seq + 1, lastSeq: seq + 1, frame: `${jobId}e${epoch},${seq + 1},1\n` };
    must(relayFrames(this.group, frame).verdict === 'stale', 'nothing is written after the end');
    must(noteAttempt(this.group, jobId, epoch, 'late') === 'stale', 'no call begins after the end');
    this.reached.add('late write');
  }

  /** Redis refused a command of the run, or a bug: BullMQ keeps its job as failed. */
  private throw(pick: number): void {
    const run = this.runs[pick % Math.max(1, this.runs.length)];
    if (run === undefined || run.phase === 'leaving' || run.again !== undefined) return;
    Object.assign(run, { phase: 'leaving', leaves: 'fail' });
  }

  private leave(run: Run): () => void {
    this.runs.splice(this.runs.indexOf(run), 1);
    const seen = this.seen.get(run.jobId);
    if (this.holdsLock(run)) {
      const job = this.bull.get(run.bullId)!;
      job.lock = undefined;
      if (run.leaves === 'complete') this.bull.delete(run.bullId);
      else if (run.leaves === 'fail') job.place = 'failed';
      else this.toWait(run.bullId, job);
    }
    if (seen?.holder === run) run.isDead = true;
    return () => undefined;
  }

  private crash(worker: number, losesAdds: boolean): void {
    for (const run of this.runs) {
      if (run.worker !== worker) continue;
      run.isDead = true;
      if (this.holdsLock(run)) this.bull.get(run.bullId)!.lock = undefined;
    }
    this.runs = this.runs.filter((run) => !run.isDead);
    if (losesAdds) this.adds = [];
  }

  /** @param areSeen whoever started their process sees it die; else it was killed as well */
  private suspectsDie(areSeen: boolean): void {
    for (const { jobId } of this.runs.filter(({ worker }) => worker === SUSPECTS_WORKER)) {
      if (!areSeen || !countSuspectCrash(this.group, jobId, String(SUSPECTS_WORKER))) continue;
      this.seen.get(jobId)!.crashes++;
      must(!countSuspectCrash(this.group, jobId, String(SUSPECTS_WORKER)), 'a death is counted once');
      this.reached.add('a suspect ended its process');
    }
    this.crash(SUSPECTS_WORKER, false);
  }

  private loseLock(pick: number): void {
    const run = this.runs[pick % Math.max(1, this.runs.length)];
    if (run !== undefined && this.holdsLock(run)) this.bull.get(run.bullId)!.lock = undefined;
  }

  private restartStalled(): void {
    for (const [bullId, job] of this.bull) {
      if (job.place === 'active' && job.lock === undefined) this.toWait(bullId, job);
    }
  }

  private toWait(bullId: string, job: BullJob): void {
    job.place = 'wait';
    (job.isSuspect ? this.suspectWait : this.wait).unshift(bullId);
  }

  private feed(): void {
    const before = [...this.group.backlog.lines.values()].map((line) => inOrder(line, MOST_JOBS));
    const { gate } = this.group;
    const bull = this.bullView();
    let onTheirWay = 0;
    for (const atMs of this.group.fed.values()) if (atMs > this.nowMs - LIMITS.addTakesMs) onTheirWay++;
    const held = Math.max(bull.waiting, onTheirWay) + bull.active;
    const { fed } = feedWindow(this.group, bull, LIMITS, this.nowMs);
    must(fed.length === 0 || !this.group.isPaused, 'nothing is fed in a pause');
    if (this.group.isPaused && before.length > 0) this.reached.add('paused');
    must(fed.length === 0 || (gate?.untilMs ?? 0) <= this.nowMs, 'nothing is fed before the gate opens');
    must(fed.length <= Math.max(0, WINDOW - held), 'the window is kept');
    for (const line of before) {
      const ofLine = fed.map(({ jobId }) => jobId).filter((jobId) => line.includes(jobId));
      must(
        ofLine.every((jobId, i) => jobId === line[i]),
        'a line is fed in order of arrival',
      );
    }
    for (const { jobId, feedNumber } of fed) {
      const seen = this.seen.get(jobId)!;
      must(feedNumber > seen.fed, 'no number is fed twice');
      must(seen.holder === undefined, 'what runs is not fed');
      seen.fed = feedNumber;
      if (feedNumber > 2) this.reached.add('fed again');
    }
    this.adds.push(...fed);
  }

  private sweep(): void {
    const { overdue, addAgain } = sweepGroup(this.group, (id, n) => this.bullKnows(id, n), LIMITS, this.nowMs);
    for (const { jobId } of addAgain) {
      must(this.seen.get(jobId)!.holder === undefined, 'what runs is not added again');
      this.reached.add('swept');
    }
    this.overdue.push(...overdue);
    this.adds.push(...addAgain);
  }

  private sweepSuspects(): void {
    const knows = (id: string, n: number): 'no' | 'live' | 'ended' => this.bullKnows(id, n);
    const { addAgain } = sweepGroup(this.group, knows, LIMITS, this.nowMs, 'suspects');
    for (const job of addAgain) {
      must(this.seen.get(job.jobId)!.holder === undefined, 'what runs is not added again');
      this.reached.add('a suspect was swept');
      this.adds.push({ ...job, isSuspect: true });
    }
  }

  private endOverdue(pick: number): void {
    const [job] = this.overdue.splice(pick % Math.max(1, this.overdue.length), 1);
    if (job === undefined) return;
    const { state, deadlineMs } = this.group.records.get(job.jobId)!;
    const ask = endOf(job.jobId, 'expired', 'from outside');
    const reply = expireJob(this.group, ask, true, this.nowMs);
    if (reply.kind === 'stale') return;
    this.reached.add(`ended from outside: ${state}`);
    must(
      state !== 'running' || this.nowMs >= deadlineMs + OVERDUE_MS,
      'a run has until 30 s after the deadline of its job',
    );
    this.hear(job.jobId, reply.told);
    this.seen.get(job.jobId)!.holder = undefined;
  }

  private obey(run: Run, verdict: RunVerdict): void {
    if (verdict === 'cancelled') run.phase = 'cancelled';
    if (verdict !== 'stale') return;
    this.checkStale(run);
    run.phase = 'leaving';
  }

  private checkStale(run: Run): void {
    const record = this.group.records.get(run.jobId)!;
    const isSuperseded = isOver(record) || run.feedNumber < record.fed; // it had given the job back, unheard
    must(isSuperseded || !this.holdsLock(run), 'a run that is well is not stale');
    this.reached.add('stale');
  }

  private hear(jobId: string, told: readonly Told[]): void {
    const seen = this.seen.get(jobId)!;
    for (const { message } of told) {
      must(seen.over === undefined, 'nothing is told after the end');
      const [, kind, , firstSeq, count] = /^job\d+([a-z])(\d+),(\d+),(\d+)\n/.exec(message)!;
      must(Number(firstSeq) === seen.lastSeq + 1, 'seqs have no gap');
      seen.lastSeq += Number(count);
      if (kind === 't') seen.over = 'told';
    }
  }

  /** What holds after every step, whatever it was. */
  private check(): void {
    const { records, backlog, due, fed, suspects, delayed } = this.group;
    this.readLedger();
    for (const [jobId, record] of records) {
      const seen = this.seen.get(jobId)!;
      const isQueued = record.state === 'queued';
      const isWaiting = backlog.lines.get(record.line)?.has(jobId) === true;
      const places =
        Number(isWaiting) +
        Number(fed.has(jobId)) +
        Number(isQueued && suspects.has(jobId)) +
        Number(delayed.has(jobId));
      if (delayed.has(jobId)) this.reached.add('delayed');
      must(places === (isQueued ? 1 : 0), 'a queued job waits in one place, any other in none');
      must((record.crashes ?? 0) === seen.crashes, 'crashes are counted, and nothing else');
      must((record.seq ?? 0) === seen.lastSeq, 'what is kept was told');
      if (isOver(record)) {
        const written = `${record.state} ${record.outcome} ${record.result}`;
        if (seen.over === 'told') seen.over = written;
        must(seen.over === written, 'the one terminal state is told once and never changes');
      } else must(due.has(jobId), 'a job that is not over has a time at which it will be');
      must(isOver(record) === !due.has(jobId), 'what is over is not due');
      this.checkDurable(jobId, record);
    }
    must(records.size === this.seen.size, 'no record is made or lost by the way');
    this.checkLines();
  }

  private readLedger(): void {
    for (const { t, j = '', s, o } of this.group.ledger.slice(this.read)) {
      const seen = this.seen.get(j)!;
      const { state, outcome } = this.group.records.get(j)!;
      if (t === 'accepted') seen.accepted++;
      else seen.ended++;
      must(t === 'accepted' || (s === state && o === outcome), 'the ledger says how it ended');
    }
    this.read = this.group.ledger.length;
  }

  private checkDurable(jobId: string, record: JobRecord): void {
    const { accepted, ended } = this.seen.get(jobId)!;
    const isDurable = record.durable !== undefined;
    must(accepted === Number(isDurable), 'what is accepted stands in the ledger once, and no plain call does');
    must(ended === Number(isDurable && isOver(record)), 'an end stands in the ledger once');
    if (!isDurable || !isOver(record)) return;
    const isDeadLetter = record.state === 'failed' || record.state === 'expired';
    must((record.request !== undefined) === isDeadLetter, 'the request of a dead letter is kept, no other');
    must(record.keptMs === (isDeadLetter ? KEPT.deadLetterMs : KEPT.resultMs), 'it is kept as long as was said');
  }

  private checkLines(): void {
    const { records, backlog } = this.group;
    const waiting = [...backlog.lines.values()].flatMap((line) => [...line.keys()]);
    const bytes = waiting.reduce((sum, jobId) => sum + bytesOf(records.get(jobId)!), 0);
    must(backlog.jobs === waiting.length && backlog.bytes === bytes, 'what waits is counted');
    for (const [tenant, { jobs }] of backlog.tenants) {
      const ofTenant = waiting.filter((jobId) => tenantOf(records.get(jobId)!.line) === tenant);
      must(jobs > 0 && jobs === ofTenant.length, 'what waits is counted for its tenant');
    }
    const { starts, lines, idle, clock } = backlog;
    must(
      [...lines].every(([line, jobs]) => jobs.size > 0 && starts.has(line) && !idle.has(line)),
      'a line that waits has a start',
    );
    must(
      starts.size === lines.size && [...idle.values()].every((start) => start > clock),
      'a line is forgotten once the clock has passed it',
    );
    must(waiting.length > 0 || (clock === 0 && idle.size === 0), 'all is forgotten when nothing waits');
  }

  /** From here on nothing breaks any more: everything accepted comes to its end. */
  settle(): void {
    this.group.isPaused = false;
    const { records, backlog, due, fed, suspects } = this.group;
    const inTime = [...due].filter(([id, ms]) => records.get(id)!.state === 'queued' && ms > this.nowMs + 40_000);
    for (let round = 0; round < 40 && !this.isQuiet; round++) {
      while (this.adds.length > 0) this.do('add arrives', 0);
      this.do('stalled check', 0);
      this.do('feed', 0);
      while (this.adds.length > 0) this.do('add arrives', 0);
      for (let i = this.wait.length; i > 0; i--) this.do('fetch', i);
      this.do('fetch a suspect', 0);
      for (const step of [
        'begin',
        'begin',
        'isolate',
        'isolate',
        'finish',
        'finish',
        'end cancelled',
        'end cancelled',
        'leave',
      ] as const) {
        for (let i = this.runs.length; i > 0; i--) this.do(step, 0);
      }
      this.do('sweep', 0);
      this.do('sweep suspects', 0);
      while (this.overdue.length > 0) this.do('end overdue', 0);
      this.nowUs += 3 * SECOND_US;
    }
    for (const [jobId] of inTime) must(records.get(jobId)!.state !== 'expired', `${jobId} does not wait for nothing`);
    for (const [jobId, record] of records) must(isOver(record), `${jobId} comes to its end`);
    const { delayed, later } = this.group;
    must(backlog.jobs + due.size + fed.size + suspects.size + delayed.size === 0, 'nothing is left in a set');
    must(later.size === 0, 'what was delayed is not counted any more');
    for (const { place } of this.bull.values()) must(place === 'failed', 'nothing is left in BullMQ');
    for (const { state } of records.values()) this.reached.add(state);
  }

  private get isQuiet(): boolean {
    const waiting = this.wait.length + this.suspectWait.length + this.adds.length + this.group.suspects.size;
    return this.group.due.size + waiting + this.runs.length === 0 && !this.hasActive;
  }

  private get hasActive(): boolean {
    for (const { place } of this.bull.values()) if (place === 'active') return true;
    return false;
  }

  private get nowMs(): number {
    return Math.floor(this.nowUs / 1_000);
  }

  private bullView() {
    let active = 0;
    for (const { place, isSuspect } of this.bull.values()) if (place === 'active' && !isSuspect) active++;
    return { waiting: this.wait.length, active };
  }

  private bullKnows(jobId: string, feedNumber: number): 'no' | 'live' | 'ended' {
    const job = this.bull.get(`${jobId}-${feedNumber}`);
    return job === undefined ? 'no' : job.place === 'failed' ? 'ended' : 'live';
  }

  private holdsLock = (run: Run): boolean => this.bull.get(run.bullId)?.lock === run.token;
  private isLost = (run: Run): boolean => run.isDead || !this.holdsLock(run);
}

const TABLE = {
  accept: 3,
  'accept, add late': 1,
  'accept, add lost': 1,
  'accept to backlog': 3,
  submit: 2,
  'submit, add lost': 1,
  'submit for later': 2,
  'accept again': 2,
  cancel: 1,
  'add arrives': 6,
  'add arrives, and will again': 2,
  'add is lost': 1,
  fetch: 9,
  begin: 9,
  'begin, unheard': 2,
  call: 3,
  relay: 3,
  'relay, unheard': 1,
  finish: 2,
  'finish, unheard': 1,
  'end cancelled': 2,
  'give back': 3,
  'give back, unheard': 1,
  'hand back': 2,
  'hand back, unheard': 1,
  'write after the end': 1,
  throw: 1,
  leave: 6,
  crash: 1,
  'fetch a suspect': 5,
  isolate: 3,
  'isolate, unheard': 1,
  'suspects die by themselves': 1,
  'suspects die with their worker': 1,
  'sweep suspects': 1,
  'lock is lost': 2,
  'stalled check': 3,
  feed: 5,
  sweep: 2,
  'end overdue': 2,
  pause: 1,
  resume: 2,
  'time passes': 4,
};

export type Step = keyof typeof TABLE;

/** Each step as often as it shall be drawn. */
export const STEPS: readonly Step[] = Object.entries(TABLE).flatMap(([step, weight]) =>
  Array.from({ length: weight }, () => step as Step),
);

function endOf(jobId: string, state: TerminalState, outcome: string): EndAsk {
  return { jobId, state, outcome, result: outcome, keptMs: 2, keptDeliveredMs: 1, inlineBytes: 99 };
}

function must(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(`Broken: ${what}.`);
}
