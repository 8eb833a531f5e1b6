import type { Database } from '@sluice/store';
import type { DataFolder } from './data-folder.js';

/**
 * Runs when something first needs the store, and again when the server has died: a plain start pays neither the time nor
 * the memory of PostgreSQL.
 * @throws StoreUnavailable with a sentence for callers; `say` tells the cause to who runs the program
 */
export async function openEmbeddedStore(
  held: { folder: () => Promise<DataFolder>; complaint: string },
  say: (sentence: string) => void,
): Promise<Database> {
  const { openDatabase, StoreUnavailable } = await import('@sluice/store');
  try {
    const { startEmbeddedPostgres } = await import('./postgres/embedded-postgres.js');
    await using opening = new AsyncDisposableStack();
    const postgres = await startEmbeddedPostgres((await held.folder()).path);
    opening.defer(() => postgres.stop());
    const database = await openDatabase(postgres.url, { migrates: true });
    opening.defer(() => database.stop());
    const opened = opening.move(); // nothing failed, so it stays open
    held.complaint = '';
    return { db: database.db, isLost: postgres.hasEnded, stop: () => opened.disposeAsync() };
  } catch (error) {
    const complaint = `The embedded PostgreSQL does not start: ${(error as Error).message}`;
    if (complaint !== held.complaint) say(complaint); // it is tried again each second, while somebody needs it
    held.complaint = complaint;
    throw new StoreUnavailable('The embedded database does not start; the cause is in the log.', { cause: error });
  }
}
