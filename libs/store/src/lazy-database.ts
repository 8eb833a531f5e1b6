import { openDatabase, type Database, type Db } from './open-database.js';
import { StoreUnavailable, storeErrorOf } from './store-unavailable.js';

/** Who was told that the server is away asks again no sooner: an opening that hangs must not hold every caller up. */
const AGAIN_AFTER_MS = 1_000;

/**
 * A database that opens when something first needs it, and again when opening failed or the server is gone for good. So a
 * process starts, and serves what needs no store, while PostgreSQL is down or was never started.
 */
export class LazyDatabase {
  private opening: Promise<Database> | undefined;
  private stopping: Promise<void> | undefined;
  private refusal: { error: unknown; untilMs: number } | undefined;
  private hasFailed = false;
  private isLooking = false;

  /** @param open absent: this process was given no database */
  constructor(private readonly open?: () => Promise<Database>) {}

  /** Absent url: no database; what needs one is refused. */
  static at(url: string | undefined): LazyDatabase {
    return new LazyDatabase(url === undefined ? undefined : () => openDatabase(url, { migrates: false }));
  }

  /** False: this process was given no database, and will never have one. */
  get isConfigured(): boolean {
    return this.open !== undefined;
  }

  /** The last that was heard of it: it did not answer. False while nobody has asked. */
  get isAway(): boolean {
    return this.hasFailed;
  }

  /** For who only looks at `isAway`: while it is away, asks in the background whether it is back. */
  lookAgain(): void {
    if (!this.hasFailed || this.isLooking) return;
    this.isLooking = true;
    this.use((db) => db.execute('select 1'))
      .catch(() => undefined)
      .finally(() => (this.isLooking = false));
  }

  /**
   * Runs queries.
   * @throws StoreUnavailable when the server cannot be reached, or was lost meanwhile: what was written then is unknown.
   *   PostgreSQL's own error for what it refuses (`code` 23505, …). Never drizzle's, which shows parameters.
   */
  async use<Result>(work: (db: Db) => Promise<Result>): Promise<Result> {
    try {
      const result = await work(await this.opened());
      this.hasFailed = false;
      return result;
    } catch (thrown) {
      const error = storeErrorOf(thrown);
      if (error instanceof StoreUnavailable && this.isConfigured && this.stopping === undefined) this.hasFailed = true;
      throw error;
    }
  }

  /** Closes what was opened, and waits for an opening under way. Safe to repeat. */
  stop(): Promise<void> {
    this.stopping ??= this.close();
    return this.stopping;
  }

  private async opened(): Promise<Db> {
    if (this.open === undefined) {
      throw new StoreUnavailable('This needs a database, and Sluice was given none: set DATABASE_URL.');
    }
    if (this.stopping) throw new StoreUnavailable('Sluice is shutting down.');
    if (this.refusal !== undefined && this.refusal.untilMs > performance.now()) throw this.refusal.error;
    const opening = (this.opening ??= this.open());
    const opened = await opening.catch((error: unknown) => {
      if (this.forget(opening)) this.refusal = { error, untilMs: performance.now() + AGAIN_AFTER_MS };
      throw error;
    });
    if (!opened.isLost?.()) return opened.db;
    if (this.forget(opening)) await opened.stop().catch(() => undefined);
    return this.opened();
  }

  private async close(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    await opened?.stop();
  }

  /** False when another call has forgotten it already. */
  private forget(opening: Promise<Database>): boolean {
    if (this.opening !== opening) return false;
    this.opening = undefined;
    return true;
  }
}
