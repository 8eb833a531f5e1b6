import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileGone } from '@sluice/core';
import { checkedKey, FileStorageError, type FileStorage } from './file-storage.js';

/** Folders of many thousand entries are slow to list and to back up. */
const SHARDS = 2;

/**
 * Files in a folder, in the default the data folder's. Written beside their place under another name, synced, then renamed:
 * whoever reads finds a whole file or none, whatever is killed. Several processes may share it, on one machine or by a
 * network file system.
 *
 *     <folder>/a7/file-…a7      whole
 *     <folder>/parts/<random>   being written
 */
export class FolderStorage implements FileStorage {
  private readonly parts: string;

  constructor(private readonly folder: string) {
    this.parts = join(folder, 'parts');
  }

  async write(key: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    const place = this.placeOf(key);
    const part = join(this.parts, randomBytes(16).toString('hex'));
    try {
      await mkdir(this.parts, { recursive: true, mode: 0o700 });
      const file = createWriteStream(part, { mode: 0o600, flush: true });
      await pipeline(source, file);
      await mkdir(join(place, '..'), { recursive: true, mode: 0o700 });
      await rename(part, place);
      await syncFolder(join(place, '..'));
      return file.bytesWritten;
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw storageError(error, 'write');
    }
  }

  async read(key: string): Promise<Readable> {
    try {
      const file = await open(this.placeOf(key), 'r');
      return file.createReadStream({ highWaterMark: 256 * 1024 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileGone(key);
      throw storageError(error, 'read');
    }
  }

  async remove(key: string): Promise<void> {
    try {
      await rm(this.placeOf(key), { force: true });
    } catch (error) {
      throw storageError(error, 'remove');
    }
  }

  /** What is half written has no key: `sweep` finds it. */
  removeUnfinished(key: string): Promise<void> {
    return this.remove(key);
  }

  async sweep(beforeMs: number): Promise<void> {
    const names = await readdir(this.parts).catch(() => []);
    for (const name of names) {
      const part = join(this.parts, name);
      const seen = await stat(part).catch(() => undefined);
      if (seen !== undefined && seen.mtimeMs < beforeMs) await rm(part, { force: true });
    }
  }

  private placeOf(key: string): string {
    return join(this.folder, checkedKey(key).slice(-SHARDS), key);
  }
}

/** So that the name outlives a power cut as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Errors of the source pass as they are; those of the disk get a name that callers know. */
function storageError(error: unknown, doing: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || code === 'ECONNRESET') return error;
  return new FileStorageError(`cannot ${doing} a stored file: ${code} in ${syscall}`, { cause: error });
}
