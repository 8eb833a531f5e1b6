import type { FileStorage } from '@sluice/files';
import type { Uploads } from '@sluice/queue';
import type { BatchCatalog, FileCatalog } from '@sluice/store';

const EVERY_MS = 60_000;
const AT_MOST = 200;
/** Rows of batches are kept as long as the history of jobs. */
const BATCH_KEPT_MS = 30 * 86_400_000;
/** The slowest upload has ended by then. */
const LEFT_OVER_MS = 86_400_000;

export interface StoredFilesDeps {
  files: Pick<FileCatalog, 'expired' | 'remove' | 'known'>;
  batches: Pick<BatchCatalog, 'forgetEndedBefore'>;
  storage: FileStorage;
  uploads: Pick<Uploads, 'leftOver' | 'end'>;
}

/** Removes files whose time is over and what uploads left that came to nothing, and forgets old batches. */
export class StoredFiles {
  private nextAtMs = 0;

  constructor(private readonly deps: StoredFilesDeps) {}

  /** Safe to call often, and by every worker. */
  async sweep(nowMs: number): Promise<void> {
    if (nowMs < this.nextAtMs) return;
    this.nextAtMs = nowMs + EVERY_MS;
    const { batches, storage } = this.deps;
    while ((await this.removeExpired(nowMs)) === AT_MOST);
    while ((await this.removeLeftOver(nowMs)) === AT_MOST);
    await batches.forgetEndedBefore(nowMs - BATCH_KEPT_MS);
    await storage.sweep?.(nowMs - LEFT_OVER_MS);
  }

  private async removeExpired(nowMs: number): Promise<number> {
    const { files, storage } = this.deps;
    const ids = await files.expired(nowMs, AT_MOST);
    for (const id of ids) await storage.remove(id); // before the row, which alone knows that there are bytes
    await files.remove(ids);
    return ids.length;
  }

  /** Of processes that died before they wrote a file's row. By name, since a bucket may be shared. */
  private async removeLeftOver(nowMs: number): Promise<number> {
    const { files, storage, uploads } = this.deps;
    const ids = await uploads.leftOver(nowMs - LEFT_OVER_MS, AT_MOST);
    const known = await files.known(ids);
    for (const id of ids) if (!known.has(id)) await storage.removeUnfinished(id);
    await uploads.end(ids);
    return ids.length;
  }
}
