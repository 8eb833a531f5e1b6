export { FileStorageError, type FileStorage } from './file-storage.js';
export { FolderStorage } from './folder-storage.js';
export { openFileStorage } from './open-storage.js';
export { readLines, type FileLine } from './read-lines.js';
export { S3Storage, type S3Place } from './s3-storage.js';
export { atMost, FileTooLarge } from './size-limit.js';
