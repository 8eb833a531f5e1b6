import type { DurableJob, LedgerFields } from './durable-job.js';
import type { Outcome, TerminalState } from './outcome.js';

/** What the ledger says of a durable job. Entries of one job may come in any order, and more than once. */
export type LedgerEntry = {
  /** Of the Redis stream. */
  readonly id: string;
  readonly jobId: string;
  readonly durable: DurableJob;
} & (
  | { readonly type: 'accepted' }
  | {
      readonly type: 'over';
      readonly state: TerminalState;
      readonly outcome: Outcome;
      readonly finishedAtMs: number;
      /** Absent: no run of it ever began. */
      readonly startedAtMs?: number;
      readonly attempts: number;
    }
  /** Its owner deleted it, or put the dead letter away. */
  | { readonly type: 'erased' | 'dismissed' }
);

/**
 * Undefined: it is none that this version knows.
 * @param flat names and values in turns, as Redis gives them; null: cut off while somebody had it in hand
 */
export function readLedgerEntry(id: string, flat: readonly string[] | null): LedgerEntry | undefined {
  const fields: Partial<Record<string, string>> = {};
  for (let i = 0; flat !== null && i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1];
  const { t, j: jobId = '', d = '', s, o = '', f, b, a } = fields as Partial<LedgerFields>;
  if (t !== 'accepted' && t !== 'over' && t !== 'erased' && t !== 'dismissed') return undefined;
  try {
    const durable = JSON.parse(d) as DurableJob;
    if (t !== 'over') return { id, jobId, durable, type: t };
    return {
      id,
      jobId,
      durable,
      type: t,
      state: s as TerminalState,
      outcome: withoutTail(JSON.parse(o) as Outcome),
      finishedAtMs: Number(f),
      ...(b ? { startedAtMs: Number(b) } : {}),
      attempts: Number(a ?? 0),
    };
  } catch {
    return undefined; // no script of ours wrote this; it must not stand in the others' way
  }
}

/** The end of a stream may hold text of its answer: what is kept for longer than results has no bodies. */
function withoutTail(outcome: Outcome): Outcome {
  delete outcome.tail;
  return outcome;
}
