import type { LedgerDrain } from '@sluice/queue';
import type { HistoricJob, HistoryFilter, JobHistory } from '@sluice/store';

/** Callers wait for a list; beyond this it may lack what happened in the last moments. */
const CATCH_UP_MS = 1_000;

export interface Page {
  after?: string;
  limit: number;
  order: 'asc' | 'desc';
}

/** The history of jobs as callers of this api see it: with what they have done just now. */
export class KeptJobs {
  constructor(
    private readonly history: JobHistory,
    private readonly ledgers: Pick<LedgerDrain, 'drain' | 'stop'>,
    /** Whose ledgers are read. */
    private readonly groups: () => readonly string[],
  ) {}

  /**
   * Until the history has what has just happened.
   * @returns false: it has not, yet
   * @throws StoreUnavailable: before any ledger is read, so that nothing is left in hand here
   */
  async catchUp(groups = this.groups()): Promise<boolean> {
    await this.history.check();
    return this.ledgers.drain(groups, CATCH_UP_MS);
  }

  /** As in JobHistory. */
  page(filter: HistoryFilter, page: Page): Promise<HistoricJob[] | undefined> {
    return this.history.page(filter, page);
  }

  /** As in JobHistory. */
  ids(filter: HistoryFilter, limit: number): Promise<string[]> {
    return this.history.ids(filter, limit);
  }

  /** Of a job whose record is gone. Undefined: there is none of this tenant, or no history is kept. */
  async find(jobId: string, tenant: string): Promise<{ job: HistoricJob; hasCaughtUp: boolean } | undefined> {
    if (!this.history.isKept) return undefined;
    const found = await this.history.find(jobId, tenant);
    if (found === undefined || found.end !== undefined) return found && { job: found, hasCaughtUp: true };
    const hasCaughtUp = await this.catchUp([found.group]);
    const again = await this.history.find(jobId, tenant);
    return again && { job: again, hasCaughtUp };
  }

  /** Of a job whose record is gone: what has one is marked by way of the ledger. @throws StoreUnavailable */
  mark(jobId: string, tenant: string, how: 'erased' | 'dismissed'): Promise<void> {
    return this.history.mark(jobId, tenant, how);
  }

  /** So that whoever was told that a job is erased does not meet it in the history. With the database away it is erased later. */
  async settle(group: string): Promise<void> {
    if (this.history.isKept) await this.catchUp([group]).catch(() => undefined);
  }

  stop(): Promise<void> {
    return this.ledgers.stop();
  }
}
