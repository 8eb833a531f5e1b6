import {
  erasedPlan,
  isErasedPlan,
  timeOfId,
  type DeliveryPlan,
  type DeliveryRow,
  type DeliveryTry,
} from '@sluice/core';
import { and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import { webhookDeliveries } from './schema.js';
import type { WebhookPage } from './webhook-endpoints.js';

const FORGOTTEN_AT_ONCE = 5_000;

/** What became of deliveries. Those that are not over may be further than this: Redis knows. */
export class WebhookDeliveries {
  constructor(private readonly database: LazyDatabase) {}

  /** Safe to repeat, in any order: an older revision changes nothing. */
  async write(rows: readonly DeliveryRow[]): Promise<void> {
    const column = (of: (row: DeliveryRow) => string | number | null): unknown => sql.param(rows.map(of));
    await this.database.use((db) =>
      db.execute(sql`
        insert into ${webhookDeliveries}
          (id, tenant, endpoint_id, job_id, status, next_at_ms, plan, tries, revision, created_at_ms)
        select * from unnest(
          ${column(({ plan }) => plan.id)}::text[], ${column(({ plan }) => plan.tenant)}::text[],
          ${column(({ plan }) => plan.endpointId ?? null)}::text[], ${column(({ plan }) => plan.jobId ?? null)}::text[],
          ${column(({ status }) => status)}::text[], ${column(({ nextAtMs }) => nextAtMs)}::bigint[],
          ${column(({ plan }) => JSON.stringify(plan))}::text[], ${column(({ tries }) => JSON.stringify(tries))}::text[],
          ${column(({ revision }) => revision)}::bigint[], ${column(({ plan }) => timeOfId(plan.id))}::bigint[])
        on conflict (id) do update set status = excluded.status, next_at_ms = excluded.next_at_ms,
          tries = excluded.tries, revision = excluded.revision
          where ${webhookDeliveries.revision} < excluded.revision`),
    );
  }

  async find(tenant: string, id: string): Promise<DeliveryRow | undefined> {
    const { id: known, tenant: owner } = webhookDeliveries;
    const [row] = await this.database.use((db) =>
      db
        .select()
        .from(webhookDeliveries)
        .where(and(eq(known, id), eq(owner, tenant))),
    );
    return row && rowOf(row);
  }

  /** One more than asked for when there are more. */
  async list(
    tenant: string,
    filter: { endpointId: string | undefined; jobId: string | undefined },
    { after, limit, order }: WebhookPage,
  ): Promise<DeliveryRow[]> {
    const isAsc = order === 'asc';
    const { id, endpointId, jobId } = webhookDeliveries;
    const conditions = [
      eq(webhookDeliveries.tenant, tenant),
      filter.endpointId === undefined ? undefined : eq(endpointId, filter.endpointId),
      filter.jobId === undefined ? undefined : eq(jobId, filter.jobId),
      after === undefined ? undefined : isAsc ? gt(id, after) : lt(id, after),
    ];
    const rows = await this.database.use((db) =>
      db
        .select()
        .from(webhookDeliveries)
        .where(and(...conditions))
        .orderBy(isAsc ? asc(id) : desc(id))
        .limit(limit + 1),
    );
    return rows.map(rowOf);
  }

  /** Takes what was said of these jobs from deliveries that are over. Safe to repeat. @returns plans of those that are not */
  async blank(jobIds: readonly string[]): Promise<DeliveryPlan[]> {
    const { id, jobId, status, plan } = webhookDeliveries;
    const rows = await this.database.use((db) =>
      db
        .select({ id, status, plan })
        .from(webhookDeliveries)
        .where(inArray(jobId, [...jobIds])),
    );
    const read = rows.map((row) => ({ ...row, plan: JSON.parse(row.plan) as DeliveryPlan }));
    const over = read.filter((row) => row.status !== 'pending' && !isErasedPlan(row.plan));
    if (over.length > 0) {
      const plans = over.map((row) => JSON.stringify(erasedPlan(row.plan)));
      await this.database.use((db) =>
        db.execute(sql`
          update ${webhookDeliveries} as kept set plan = blank.plan
          from unnest(${sql.param(over.map((row) => row.id))}::text[], ${sql.param(plans)}::text[]) as blank (id, plan)
          where kept.id = blank.id and kept.status <> 'pending'`),
      );
    }
    return read.filter((row) => row.status === 'pending').map((row) => row.plan);
  }

  /** Some of those older than that. @returns how many; fewer than a step: that was all */
  async forgetBefore(timeMs: number): Promise<{ forgotten: number; more: boolean }> {
    const { id, createdAtMs } = webhookDeliveries;
    const forgotten = await this.database.use(async (db) => {
      const old = db.select({ id }).from(webhookDeliveries).where(lt(createdAtMs, timeMs)).limit(FORGOTTEN_AT_ONCE);
      return (await db.delete(webhookDeliveries).where(inArray(id, old))).rowCount ?? 0;
    });
    return { forgotten, more: forgotten === FORGOTTEN_AT_ONCE };
  }
}

const rowOf = ({ plan, tries, status, nextAtMs, revision }: typeof webhookDeliveries.$inferSelect): DeliveryRow => ({
  plan: JSON.parse(plan) as DeliveryPlan,
  tries: JSON.parse(tries) as DeliveryTry[],
  status,
  nextAtMs,
  revision,
});
