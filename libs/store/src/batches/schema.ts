import type { BatchStatus, InputProblem } from '@sluice/core';
import type { BatchDialectName, Endpoint, LineEnd } from '@sluice/wire';
import { sql } from 'drizzle-orm';
import { bigint, boolean, index, integer, jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import { sluice } from '../sluice-schema.js';

const unixMs = (name: string) => bigint(name, { mode: 'number' });
const count = (name: string) => integer(name).notNull().default(0);

/** The truth about batches. Times in Unix ms. */
export const batches = sluice.table(
  'batches',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    dialect: text('dialect').$type<BatchDialectName>().notNull(),
    endpoint: text('endpoint').$type<Endpoint>().notNull(),
    inputFileId: text('input_file_id').notNull(),
    completionWindow: text('completion_window').notNull(),
    /** Of output and error file. */
    outputKeptMs: unixMs('output_kept_ms').notNull(),
    metadata: jsonb('metadata').$type<Record<string, string>>().notNull(),
    retriedFrom: text('retried_from'),
    status: text('status').$type<BatchStatus>().notNull(),
    createdAtMs: unixMs('created_at_ms').notNull(),
    expiresAtMs: unixMs('expires_at_ms').notNull(),
    inProgressAtMs: unixMs('in_progress_at_ms'),
    finalizingAtMs: unixMs('finalizing_at_ms'),
    cancellingAtMs: unixMs('cancelling_at_ms'),
    /** Of the terminal status, whichever it is. */
    endedAtMs: unixMs('ended_at_ms'),
    /** Lines of the file; 0 until it is validated. */
    total: count('total'),
    succeeded: count('succeeded'),
    errored: count('errored'),
    cancelled: count('cancelled'),
    expired: count('expired'),
    inputTokens: unixMs('input_tokens').notNull().default(0),
    outputTokens: unixMs('output_tokens').notNull().default(0),
    errors: jsonb('errors').$type<readonly InputProblem[]>(),
    outputFileId: text('output_file_id'),
    errorFileId: text('error_file_id'),
    /** Raised by whoever drives it: what an older one still says is refused. */
    epoch: count('epoch'),
    /** Lines up to this one are jobs, or were. 0 while a new driver finds out. */
    cursorLine: count('cursor_line'),
    /** Its end has been told to the webhooks. */
    isAnnounced: boolean('is_announced').notNull().default(false),
  },
  (table) => [
    index('batches_tenant_id').on(table.tenant, table.dialect, table.id),
    index('batches_to_drive')
      .on(table.id)
      .where(sql`not is_announced`),
  ],
);

/** Lines that are done, each once, until they stand in the output. */
export const batchLines = sluice.table(
  'batch_lines',
  {
    batchId: text('batch_id').notNull(),
    /** Of the input file, from 1. */
    line: integer('line').notNull(),
    ended: text('ended').$type<LineEnd>().notNull(),
    /** As it will stand in the file, without its line break. */
    content: text('content').notNull(),
  },
  (table) => [primaryKey({ columns: [table.batchId, table.line] })],
);
