import type { DisabledReason, WebhookEndpoint } from '@sluice/core';
import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import { webhookEndpoints } from './schema.js';

export interface WebhookPage {
  /** Id of the last one seen. */
  after: string | undefined;
  limit: number;
  order: 'asc' | 'desc';
}

type Change = Partial<Pick<WebhookEndpoint, 'url' | 'events' | 'metadata' | 'status' | 'disabledReason' | 'secrets'>>;

/** The truth about endpoints. Each change raises the version, by which copies know what is newer. */
export class WebhookEndpoints {
  constructor(private readonly database: LazyDatabase) {}

  async add(endpoint: WebhookEndpoint): Promise<void> {
    await this.database.use((db) => db.insert(webhookEndpoints).values(endpoint).onConflictDoNothing());
  }

  async find(tenant: string, id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.database.use((db) => db.select().from(webhookEndpoints).where(owned(tenant, id)));
    return row;
  }

  async count(tenant: string): Promise<number> {
    return this.database.use((db) => db.$count(webhookEndpoints, eq(webhookEndpoints.tenant, tenant)));
  }

  /** One more than asked for when there are more. */
  list(tenant: string, { after, limit, order }: WebhookPage): Promise<WebhookEndpoint[]> {
    const isAsc = order === 'asc';
    const { id } = webhookEndpoints;
    const beyond = after === undefined ? undefined : isAsc ? gt(id, after) : lt(id, after);
    return this.database.use((db) =>
      db
        .select()
        .from(webhookEndpoints)
        .where(and(eq(webhookEndpoints.tenant, tenant), beyond))
        .orderBy(isAsc ? asc(id) : desc(id))
        .limit(limit + 1),
    );
  }

  /** Of all tenants, in the order of their ids. */
  all(after: string, limit: number): Promise<WebhookEndpoint[]> {
    const { id } = webhookEndpoints;
    return this.database.use((db) =>
      db.select().from(webhookEndpoints).where(gt(id, after)).orderBy(asc(id)).limit(limit),
    );
  }

  /**
   * @param version only if it is still this one; absent: whatever it is
   * @returns as it is now; undefined: it is not there, or not of that version
   */
  async change(tenant: string, id: string, change: Change, version?: number): Promise<WebhookEndpoint | undefined> {
    const at = version === undefined ? undefined : eq(webhookEndpoints.version, version);
    const [row] = await this.database.use((db) =>
      db
        .update(webhookEndpoints)
        .set({ ...change, version: sql`${webhookEndpoints.version} + 1` })
        .where(and(owned(tenant, id), at))
        .returning(),
    );
    return row;
  }

  /** What deliveries found out, unless it was changed since. @returns as it is now; undefined: it was */
  async disable(id: string, version: number, disabledReason: DisabledReason): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.database.use((db) =>
      db
        .update(webhookEndpoints)
        .set({ status: 'disabled', disabledReason, version: sql`${webhookEndpoints.version} + 1` })
        .where(and(eq(webhookEndpoints.id, id), eq(webhookEndpoints.version, version)))
        .returning(),
    );
    return row;
  }

  /** @returns what was removed */
  async remove(tenant: string, id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.database.use((db) => db.delete(webhookEndpoints).where(owned(tenant, id)).returning());
    return row;
  }
}

const owned = (tenant: string, id: string) => and(eq(webhookEndpoints.id, id), eq(webhookEndpoints.tenant, tenant));
