import type { Attempt, AttemptError, LifeEvent } from '@sluice/wire';
import { jobUsage, newAttempt } from '@sluice/wire';

/** As many attempts are kept: the first, since they say how it began, and the last. A job may be refused for a day. */
const MOST_FIRST = 10;
const MOST_LAST = 40;
/** Nor is of more than so many told: its stream would grow as long as it is refused. */
const MOST_TOLD = 200;

/** What a run leaves of it for the next. */
export interface KeptLog {
  /** Attempts made. */
  made: number;
  attempts: Attempt[];
  costUsd: number;
  /** From the job's acceptance to its first content. */
  ttftMs?: number;
}

export const newLog = (): KeptLog => ({ made: 0, attempts: [], costUsd: 0 });

/** How an attempt ended. */
export interface AttemptEnd {
  outcome: NonNullable<Attempt['outcome']>;
  error?: AttemptError;
  usage?: { prompt: number; completion: number; estimated: boolean };
  costUsd?: number;
  ttftMs?: number;
  requestId?: string;
}

/**
 * The attempts of a durable job over all its runs: kept in its record for whoever asks, and told to whoever follows it.
 *
 *     start ──► end · lost ──► (told as failed unless it succeeded or was handed back)      wait: told once between attempts
 */
export class AttemptLog {
  /** Of attempts that did not end in this or an earlier run as far as is known. */
  private readonly open = new Map<number, { attempt: Attempt; startedMs: number }>();

  /**
   * @param tell undefined: nobody is told
   * @param isWaiting who follows it was told last that it waits
   */
  constructor(
    private readonly jobId: string,
    private readonly kept: KeptLog,
    private readonly tell: ((event: LifeEvent) => void) | undefined,
    private isWaiting: boolean,
  ) {}

  get made(): number {
    return this.kept.made;
  }

  /** It has ended, as far as is written down: itself, or dropped from the middle of very many. */
  has(number: number): boolean {
    const { attempts } = this.kept;
    if (attempts.some((each) => each.number === number)) return true;
    return attempts.length === MOST_FIRST + MOST_LAST && number < attempts[MOST_FIRST]!.number;
  }

  /** Begins one more. Returns its number. */
  start(of: Pick<Attempt, 'deployment' | 'provider' | 'model' | 'considered'>, nowMs: number): number {
    const number = ++this.kept.made;
    const attempt = { ...newAttempt(this.jobId, number, of.deployment, nowMs), ...of };
    this.open.set(number, { attempt, startedMs: nowMs });
    this.say(number, { type: 'job.attempt_started', at_ms: nowMs, attempt: number, deployment: of.deployment });
    this.isWaiting = false;
    return number;
  }

  /** Of one that was begun in this run; does nothing when it has ended. */
  end(number: number, how: AttemptEnd, nowMs: number): void {
    const { attempt } = this.open.get(number) ?? {};
    if (attempt === undefined) return;
    this.open.delete(number);
    this.keep({ ...attempt, ...endOf(how), finished_at: Math.floor(nowMs / 1_000) }, how.costUsd);
    if (how.outcome === 'failed' && how.error !== undefined) this.fail(number, how.error, nowMs);
  }

  /** What an earlier run began and did not write down: its worker was lost, before or after it told how it ended. */
  lost(attempt: Attempt, isTold: boolean, nowMs: number): void {
    this.kept.made = Math.max(this.kept.made, attempt.number);
    this.keep(attempt, undefined);
    if (!isTold && attempt.error !== null) this.fail(attempt.number, attempt.error, nowMs);
  }

  /** Nothing is free: the job waits again. Told once, however often it happens without an attempt in between. */
  wait(untilMs: number | undefined, nowMs: number): void {
    if (this.isWaiting || this.kept.made > MOST_TOLD) return;
    this.isWaiting = true;
    this.tell?.(
      untilMs === undefined
        ? { type: 'job.queued', at_ms: nowMs }
        : { type: 'job.delayed', at_ms: nowMs, not_before: Math.ceil(untilMs / 1_000), reason: 'no_capacity' },
    );
  }

  /** What this attempt, and those before it, sent of the answer is void. */
  resetOutput(attempt: number, nowMs: number): void {
    this.tell?.({ type: 'job.output_reset', at_ms: nowMs, attempt });
  }

  /** @param sinceMs when the job was accepted */
  firstContent(sinceMs: number, nowMs: number): void {
    this.kept.ttftMs ??= Math.max(0, Math.round(nowMs - sinceMs));
  }

  /** At the end of the job: whatever is still open broke off in ourselves. */
  close(nowMs: number): void {
    for (const number of this.open.keys()) this.end(number, { outcome: 'failed', error: INTERNAL }, nowMs);
  }

  /** For the job's next run, and for its record. Attempts that go on are left out. */
  get state(): KeptLog {
    return this.kept;
  }

  private keep(attempt: Attempt, costUsd: number | undefined): void {
    const { attempts } = this.kept;
    const at = attempts.findLastIndex(({ number }) => number < attempt.number) + 1; // of a hedge the later may end first
    attempts.splice(at, 0, attempt);
    if (attempts.length > MOST_FIRST + MOST_LAST) attempts.splice(MOST_FIRST, 1);
    this.kept.costUsd += costUsd ?? 0;
  }

  private fail(attempt: number, error: AttemptError, nowMs: number): void {
    this.say(attempt, { type: 'job.attempt_failed', at_ms: nowMs, attempt, error });
  }

  private say(attempt: number, event: LifeEvent): void {
    if (attempt <= MOST_TOLD) this.tell?.(event);
  }
}

const INTERNAL: AttemptError = {
  kind: 'internal',
  code: 'internal_error',
  message: 'Sluice failed on this attempt. It is logged with its cause.',
  http_status: null,
};

const endOf = ({ outcome, error, usage, costUsd, ttftMs, requestId }: AttemptEnd): Partial<Attempt> => ({
  outcome,
  error: error ?? null,
  usage: usage === undefined ? null : jobUsage(usage),
  cost_usd: costUsd ?? null,
  ttft_ms: ttftMs === undefined ? null : Math.round(ttftMs),
  provider_request_id: requestId ?? null,
});
