import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { newObjectId, FileGone } from '@sluice/core';
import { atMost, type FileStorage } from '@sluice/files';
import type { Uploads } from '@sluice/queue';
import type { FileCatalog, FileRow } from '@sluice/store';
import { apiError } from '../api-error.js';

const MB = 1024 * 1024;
/** By purpose, bytes. */
export const MOST_BYTES = { batch: 200 * MB, user_data: 512 * MB } as const;
export type Purpose = keyof typeof MOST_BYTES;

export const FILE_KEPT_MS = 30 * 86_400_000;

export interface Kept {
  id: string;
  bytes: number;
}

/** Files as the api handles them: bytes in the storage, and a row for each. */
export class KeptFiles {
  constructor(
    private readonly storage: FileStorage,
    private readonly catalog: FileCatalog,
    private readonly uploads: Pick<Uploads, 'begin' | 'end'>,
    private readonly nowMs: () => number,
  ) {}

  /** Bytes without a row: nobody's, until `register`. Those that are not registered within a day are removed. */
  async keep(source: AsyncIterable<Uint8Array>, mostBytes: number): Promise<Kept> {
    const id = newObjectId('file-', this.nowMs(), randomBytes(12));
    await this.uploads.begin(id, this.nowMs());
    return { id, bytes: await this.storage.write(id, atMost(source, mostBytes)) };
  }

  /** @throws what the database says: then there are no bytes either */
  async register(
    { id, bytes }: Kept,
    { tenant, purpose, filename, keptMs }: { tenant: string; purpose: string; filename: string; keptMs: number },
  ): Promise<FileRow> {
    const createdAtMs = this.nowMs();
    const row = { id, tenant, purpose, filename, bytes, createdAtMs, expiresAtMs: createdAtMs + keptMs };
    try {
      await this.catalog.add(row);
    } catch (error) {
      await this.discard({ id }).catch(() => undefined); // without a row nobody would ever look for them
      void this.catalog.remove([id]).catch(() => undefined); // it may be there, and its answer was lost
      throw error;
    }
    void this.uploads.end([id]).catch(() => undefined); // the sweep finds its row
    return row;
  }

  /** The bytes of a file that is to have another id. */
  async rename({ id, bytes }: Kept, to: string): Promise<Kept> {
    await this.uploads.begin(to, this.nowMs());
    await this.storage.write(to, await this.storage.read(id));
    await this.discard({ id });
    return { id: to, bytes };
  }

  async discard({ id }: Pick<Kept, 'id'>): Promise<void> {
    await this.storage.remove(id);
    await this.uploads.end([id]);
  }

  /** @throws 404 */
  async find(tenant: string, id: string): Promise<FileRow> {
    const row = await this.catalog.find(tenant, id, this.nowMs());
    if (row === undefined) throw noFile(id);
    return row;
  }

  /** @throws 404 */
  async read({ id }: Pick<FileRow, 'id'>): Promise<Readable> {
    return this.storage.read(id).catch((error: unknown) => {
      throw error instanceof FileGone ? noFile(id) : error;
    });
  }

  async remove({ id }: Pick<FileRow, 'id'>): Promise<void> {
    await this.storage.remove(id);
    await this.catalog.remove([id]);
  }

  list(tenant: string, page: Parameters<FileCatalog['list']>[1]): Promise<FileRow[]> {
    return this.catalog.list(tenant, page, this.nowMs());
  }
}

const noFile = (id: string): Error => apiError('not_found', `There is no file "${id.slice(0, 100)}".`, 'id');
