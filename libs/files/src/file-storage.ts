import type { Readable } from 'node:stream';

/**
 * Where the bytes of files are. What they are called and whose they are stands in the database; here they have a key alone,
 * an id of ours. Two stand behind it: a folder, and anything that speaks S3.
 */
export interface FileStorage {
  /**
   * Reads the source to its end, a piece at a time; then the object is there whole, in place of one of the same key. A source
   * that throws leaves nothing.
   * @returns how many bytes it has
   */
  write: (key: string, source: AsyncIterable<Uint8Array>) => Promise<number>;
  /** @throws FileGone when there is none */
  read: (key: string) => Promise<Readable>;
  /** Safe to repeat, also where there is none. */
  remove: (key: string) => Promise<void>;
  /** `remove`, and what a killed process left half written under this key. */
  removeUnfinished: (key: string) => Promise<void>;
  /** Removes what was left half written before that time and has no key; absent: nothing ever is. */
  sweep?: (beforeMs: number) => Promise<void>;
}

/** The storage could not be reached, or refused. The message is for the log: it may name a bucket or a path. */
export class FileStorageError extends Error {
  override readonly name = 'FileStorageError';
}

/** Keys become names of files and of objects: nothing of a caller's may be in them. */
export function checkedKey(key: string): string {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(key)) throw new Error('a key of stored files is letters, digits, _ and -');
  return key;
}
