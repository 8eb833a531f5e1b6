import { bigint, index, text } from 'drizzle-orm/pg-core';
import { sluice } from '../sluice-schema.js';

/** What is known of an uploaded or written file; its bytes are in the storage, under its id. Times in Unix ms. */
export const files = sluice.table(
  'files',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    purpose: text('purpose').notNull(),
    filename: text('filename').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    expiresAtMs: bigint('expires_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [index('files_tenant_id').on(table.tenant, table.id), index('files_expires').on(table.expiresAtMs)],
);
