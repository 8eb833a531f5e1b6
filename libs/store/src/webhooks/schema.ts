import type { DisabledReason, KeptSecret } from '@sluice/core';
import { bigint, index, jsonb, text } from 'drizzle-orm/pg-core';
import { sluice } from '../sluice-schema.js';

const unixMs = (name: string) => bigint(name, { mode: 'number' });

/** Receivers that were set up. Redis has a copy, by which events are delivered. Times in Unix ms. */
export const webhookEndpoints = sluice.table(
  'webhook_endpoints',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    url: text('url').notNull(),
    events: jsonb('events').$type<readonly string[]>().notNull(),
    metadata: jsonb('metadata').$type<Record<string, string>>().notNull(),
    status: text('status').$type<'enabled' | 'disabled'>().notNull(),
    disabledReason: text('disabled_reason').$type<DisabledReason>(),
    secrets: jsonb('secrets').$type<readonly KeptSecret[]>().notNull(),
    version: bigint('version', { mode: 'number' }).notNull(),
    createdAtMs: unixMs('created_at_ms').notNull(),
  },
  (table) => [index('webhook_endpoints_tenant_id').on(table.tenant, table.id)],
);

/** What was delivered, or is to be: written from Redis, after the fact. `plan` and `tries` are JSON that nobody searches. */
export const webhookDeliveries = sluice.table(
  'webhook_deliveries',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    endpointId: text('endpoint_id'),
    jobId: text('job_id'),
    status: text('status').$type<'pending' | 'delivered' | 'failed'>().notNull(),
    nextAtMs: unixMs('next_at_ms'),
    plan: text('plan').notNull(),
    tries: text('tries').notNull(),
    revision: bigint('revision', { mode: 'number' }).notNull(),
    createdAtMs: unixMs('created_at_ms').notNull(),
  },
  (table) => [
    index('webhook_deliveries_tenant_id').on(table.tenant, table.id),
    index('webhook_deliveries_endpoint_id').on(table.endpointId, table.id),
    index('webhook_deliveries_job_id').on(table.jobId),
    index('webhook_deliveries_created').on(table.createdAtMs),
  ],
);
