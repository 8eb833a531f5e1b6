import {
  originLane,
  type DeliveryPlan,
  type DeliveryRow,
  type DeliveryTry,
  type Landing,
  type WebhookEndpoint,
} from '@sluice/core';
import type { Redis } from 'ioredis';
import { endpointOf } from './endpoint-book.js';
import addDelivery from './scripts/add-delivery.lua';
import failWaiting from './scripts/fail-waiting.lua';
import forgetWritten from './scripts/forget-written.lua';
import settleDelivery from './scripts/settle-delivery.lua';
import takeDeliveries from './scripts/take-deliveries.lua';
import { DUE_CHANNEL, webhookKeys as k } from './webhook-keys.js';

/** Of one receiver, side by side. */
export const MOST_FLYING = 10;
const MOST_LANES = 200;
/** Above the time that a try may take: whoever holds one longer is taken for lost. */
const LEASE_MS = 20_000;
/** A delivery that is over is known by its id for so long: the ledger tells of a job again after a lost worker. */
const KNOWN_MS = 10 * 60 * 1_000;

/** A delivery in the hands of this worker. */
export interface TakenDelivery {
  readonly plan: DeliveryPlan;
  readonly lane: string;
  readonly turn: string;
  /** Made before this one, since it was taken in or redelivered. */
  readonly tries: number;
  /** Absent of a single job's callback, and of an endpoint that is gone. */
  readonly endpoint: WebhookEndpoint | undefined;
}

type Script<Result> = (...keysAndArguments: (string | number)[]) => Promise<Result>;

interface Scripts {
  sluiceAddDelivery: Script<0 | 1>;
  sluiceTakeDeliveries: Script<(string | number)[]>;
  sluiceSettleDelivery: Script<0 | 1>;
  sluiceFailWaiting: Script<number>;
  sluiceForgetWritten: Script<number>;
}

/** Deliveries that are not over, and those that the store does not know yet. Decision 0019 says why this is no BullMQ queue. */
export class DeliveryQueue {
  private readonly scripts: Scripts;

  constructor(private readonly redis: Redis) {
    redis.defineCommand('sluiceAddDelivery', { numberOfKeys: 4, lua: addDelivery });
    redis.defineCommand('sluiceTakeDeliveries', { numberOfKeys: 1, lua: takeDeliveries });
    redis.defineCommand('sluiceSettleDelivery', { numberOfKeys: 8, lua: settleDelivery });
    redis.defineCommand('sluiceFailWaiting', { numberOfKeys: 3, lua: failWaiting });
    redis.defineCommand('sluiceForgetWritten', { numberOfKeys: 1, lua: forgetWritten });
    this.scripts = redis as unknown as Scripts;
  }

  /** Due at once. @returns false when it is known already. Safe to repeat */
  async add(plan: DeliveryPlan): Promise<boolean> {
    return (await this.scripts.sluiceAddDelivery(...this.addKeys(plan), ...added(plan), 'new')) === 1;
  }

  /** Once more from its beginning, or at once when it waits. */
  async redeliver({ plan, tries, revision }: DeliveryRow): Promise<void> {
    const kept = JSON.stringify(tries.slice(-MOST_TRIES_KEPT)).slice(1, -1);
    await this.scripts.sluiceAddDelivery(...this.addKeys(plan), ...added(plan), 'again', kept, revision);
  }

  /** For workers elsewhere, which look now and then anyway. */
  announce(): void {
    this.redis.publish(DUE_CHANNEL, '').catch(() => undefined);
  }

  private addKeys(plan: DeliveryPlan): string[] {
    return [k.delivery(plan.id), k.waiting(laneOf(plan)), k.lanes, k.unwritten];
  }

  /** @returns `nextInMs`: when to look again; absent: nothing waits or flies */
  async take(most: number): Promise<{ taken: TakenDelivery[]; nextInMs: number | undefined }> {
    const limits = [most, MOST_LANES, MOST_FLYING, LEASE_MS];
    const [nextIn, ...fields] = await this.scripts.sluiceTakeDeliveries(k.lanes, k.prefix, ...limits);
    const taken: TakenDelivery[] = [];
    for (let i = 0; i < fields.length; i += 7) {
      const [, lane, turn, tries, plan, status, data] = fields.slice(i, i + 7).map(String);
      taken.push({
        plan: JSON.parse(plan!) as DeliveryPlan,
        lane: lane!,
        turn: turn!,
        tries: Number(tries),
        endpoint: endpointOf([status!, null, data!]),
      });
    }
    return { taken, nextInMs: nextIn === '' ? undefined : Number(nextIn) };
  }

  /** @param wasAsked false: its receiver was not called, and nothing is known of it */
  async settle(
    { plan: { id }, lane, turn }: TakenDelivery,
    landing: Landing,
    attempt: DeliveryTry | undefined,
    { calmUntilMs, wasAsked }: { calmUntilMs?: number | undefined; wasAsked: boolean },
  ): Promise<void> {
    const keys = [k.delivery(id), k.waiting(lane), k.flying(lane), k.lanes, k.unwritten, k.calm(lane), k.failing];
    const nextMs = landing.kind === 'again' ? Math.round(landing.atMs) : '';
    const tried = attempt === undefined ? '' : JSON.stringify(attempt);
    const calm = calmUntilMs === undefined ? '' : Math.round(calmUntilMs);
    const told: (string | number)[] = [
      id,
      lane,
      turn,
      landing.kind,
      nextMs,
      tried,
      calm,
      MOST_FLYING,
      wasAsked ? 1 : '',
    ];
    await this.scripts.sluiceSettleDelivery(...keys, k.endpoint(lane), ...told);
  }

  /** Ends what waits for an endpoint that takes no more, some at a time. @returns how many; fewer than `most`: that was all */
  failWaiting(endpointId: string, most: number, attempt: DeliveryTry): Promise<number> {
    const keys = [k.waiting(endpointId), k.unwritten, k.endpoint(endpointId)];
    return this.scripts.sluiceFailWaiting(...keys, k.prefix, most, JSON.stringify(attempt));
  }

  /** Those that the store does not know as they are now, longest changed first. */
  async unwritten(most: number): Promise<{ ids: string[]; rows: DeliveryRow[] }> {
    const ids = await this.redis.zrange(k.unwritten, '0', String(most - 1));
    const rows = await Promise.all(ids.map((id) => this.find(id)));
    return { ids, rows: rows.filter((row) => row !== undefined) };
  }

  /** Undefined: it is over and the store knows, or there was none. */
  async find(id: string): Promise<DeliveryRow | undefined> {
    const fields = await this.redis.hmget(k.delivery(id), 'plan', 'status', 'next', 'attempts', 'rev');
    const [plan, status, next, attempts, rev] = fields;
    if (!plan) return undefined;
    return {
      plan: JSON.parse(plan) as DeliveryPlan,
      status: status as DeliveryRow['status'],
      nextAtMs: next ? Number(next) : null,
      tries: JSON.parse(`[${attempts ?? ''}]`) as DeliveryTry[],
      revision: Number(rev),
    };
  }

  async forgetWritten(written: ReadonlyMap<string, number>): Promise<void> {
    if (written.size === 0) return;
    await this.scripts.sluiceForgetWritten(k.unwritten, k.prefix, KNOWN_MS, ...[...written].flat());
  }

  /** The store has something to learn: of deliveries, or of endpoints that were disabled. */
  async hasNews(): Promise<boolean> {
    return (await this.redis.exists(k.unwritten, k.disabled)) > 0;
  }

  /** Some process writes, the others need not. @returns false: another one does */
  async claimWriting(who: string, forMs: number): Promise<boolean> {
    if ((await this.redis.set(k.writer, who, 'PX', forMs, 'NX')) !== null) return true;
    if ((await this.redis.get(k.writer)) !== who) return false;
    await this.redis.pexpire(k.writer, forMs);
    return true;
  }
}

/** So many redeliveries make no row endless. */
const MOST_TRIES_KEPT = 30;

export const laneOf = ({ endpointId, tenant, url }: DeliveryPlan): string => endpointId ?? originLane(tenant, url);

const added = (plan: DeliveryPlan): string[] => [plan.id, laneOf(plan), JSON.stringify(plan)];
