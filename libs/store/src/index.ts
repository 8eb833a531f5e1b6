export { LazyDatabase } from './lazy-database.js';
export { bringUpToDate } from './migrations.js';
export { openDatabase, type Database, type Db } from './open-database.js';
export { StoreModule, type DatabaseSource } from './store.module.js';
export { StoreUnavailable } from './store-unavailable.js';
