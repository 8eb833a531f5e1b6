import { randomBytes } from 'node:crypto';
import { newObjectId } from '@sluice/core';
import type { BatchQueue } from '@sluice/queue';
import type { BatchCatalog, BatchRow, NewBatch } from '@sluice/store';

/** Makes batches, of whichever dialect: a row, then a word to those who drive them. */
export class BegunBatches {
  constructor(
    private readonly catalog: BatchCatalog,
    private readonly queue: Pick<BatchQueue, 'add'>,
    private readonly nowMs: () => number,
  ) {}

  newId(prefix: 'batch_' | 'msgbatch_'): string {
    return newObjectId(prefix, this.nowMs(), randomBytes(12));
  }

  async begin(
    id: string,
    { windowMs, ...batch }: Omit<NewBatch, 'id' | 'createdAtMs' | 'expiresAtMs'> & { windowMs: number },
  ): Promise<BatchRow> {
    const createdAtMs = this.nowMs();
    const row = await this.catalog.add({ ...batch, id, createdAtMs, expiresAtMs: createdAtMs + windowMs });
    this.tell(id);
    return row;
  }

  find(tenant: string, dialect: BatchRow['dialect'], id: string): Promise<BatchRow | undefined> {
    return this.catalog.find(tenant, dialect, id);
  }

  /** It is looked at anyway, some seconds later. */
  tell(id: string): void {
    this.queue.add([id]).catch(() => undefined);
  }
}
