export { BatchCatalog, type BatchPage, type BatchRow, type NewBatch } from './batches/batch-catalog.js';
export { BatchProgress, type BatchEnd } from './batches/batch-progress.js';
export { BatchResults, type DoneLine, type LineContext } from './batches/batch-results.js';
export { FileCatalog, type FilePage, type FileRow } from './files/file-catalog.js';
export { LazyDatabase } from './lazy-database.js';
export { bringUpToDate } from './migrations.js';
export { openDatabase, type Database, type Db } from './open-database.js';
export { StoreModule, type DatabaseSource } from './store.module.js';
export { StoreUnavailable } from './store-unavailable.js';
