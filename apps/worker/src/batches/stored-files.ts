import type { FileStorage } from '@sluice/files';
import type { BatchCatalog, FileCatalog } from '@sluice/store';

const EVERY_MS = 60_000;
const AT_MOST = 200;
/** Rows of batches are kept as long as the history of jobs. */
const BATCH_KEPT_MS = 30 * 86_400_000;

/** Removes files whose time is over, and forgets old batches. */
export class StoredFiles {
  private nextAtMs = 0;

  constructor(
    private readonly files: FileCatalog,
    private readonly batches: BatchCatalog,
    private readonly storage: FileStorage & { sweep?: (nowMs: number) => Promise<void> },
  ) {}

  /** Safe to call often, and by every worker. */
  async sweep(nowMs: number): Promise<void> {
    if (nowMs < this.nextAtMs) return;
    this.nextAtMs = nowMs + EVERY_MS;
    for (;;) {
      const ids = await this.files.expired(nowMs, AT_MOST);
      for (const id of ids) await this.storage.remove(id); // before the row, which alone knows that there are bytes
      await this.files.remove(ids);
      if (ids.length < AT_MOST) break;
    }
    await this.batches.forgetEndedBefore(nowMs - BATCH_KEPT_MS);
    await this.storage.sweep?.(nowMs);
  }
}
