import { FolderStorage } from './folder-storage.js';
import type { FileStorage } from './file-storage.js';
import { S3Storage, type S3Place } from './s3-storage.js';

/** @param folder where files are without an S3 store; it is made with the first file */
export const openFileStorage = (folder: string, s3: S3Place | undefined): FileStorage =>
  s3 === undefined ? new FolderStorage(folder) : new S3Storage(s3);
