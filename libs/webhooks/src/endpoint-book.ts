import type { WebhookEndpoint } from '@sluice/core';
import type { Redis } from 'ioredis';
import disableEndpoint from './scripts/disable-endpoint.lua';
import keepEndpoint from './scripts/keep-endpoint.lua';
import { webhookKeys as k } from './webhook-keys.js';

/** Longer than any reader of the store that has seen it may take to say so. */
const DELETED_KEPT_MS = 24 * 60 * 60 * 1_000;

/** Disabled by what was seen of it, and not told to the store yet. */
export interface DisabledEndpoint {
  readonly id: string;
  readonly version: number;
  readonly reason: string;
  readonly atMs: number;
}

/** Its deliveries are to be ended. `atMs`: it was disabled then, and not by its owner: others are to hear of it. */
export interface ClosingEndpoint {
  readonly id: string;
  readonly reason: string;
  readonly atMs: number | undefined;
}

type Script = (...keysAndArguments: (string | number)[]) => Promise<number>;

/**
 * The endpoints as Redis keeps them, so that events find their receivers and are signed while the store is away. The store is
 * the truth; its versions only grow, and an older one never replaces a newer. What deliveries find out (410, nothing taken
 * for three days) is noted here first.
 */
export class EndpointBook {
  private readonly scripts: { sluiceKeepEndpoint: Script; sluiceDisableEndpoint: Script };

  constructor(private readonly redis: Redis) {
    redis.defineCommand('sluiceKeepEndpoint', { numberOfKeys: 4, lua: keepEndpoint });
    redis.defineCommand('sluiceDisableEndpoint', { numberOfKeys: 4, lua: disableEndpoint });
    this.scripts = redis as unknown as EndpointBook['scripts'];
  }

  /** As the store has it now. Safe to repeat, in any order. */
  async keep(endpoint: WebhookEndpoint): Promise<void> {
    const { id, tenant, version, status } = endpoint;
    await this.scripts.sluiceKeepEndpoint(...keysOf(id, tenant), id, version, status, JSON.stringify(endpoint), 0);
  }

  /** @param version above the one that was deleted */
  async forget(id: string, tenant: string, version: number): Promise<void> {
    await this.scripts.sluiceKeepEndpoint(...keysOf(id, tenant), id, version, 'deleted', '', DELETED_KEPT_MS);
  }

  async find(id: string): Promise<WebhookEndpoint | undefined> {
    return endpointOf(await this.redis.hmget(k.endpoint(id), 'status', 'reason', 'data'));
  }

  /** Those of a tenant that take events. */
  async enabledOf(tenant: string): Promise<WebhookEndpoint[]> {
    const ids = await this.redis.smembers(k.endpointsOf(tenant));
    const endpoints = await Promise.all(ids.map((id) => this.find(id)));
    return endpoints.filter((endpoint) => endpoint?.status === 'enabled') as WebhookEndpoint[];
  }

  /** Took nothing since then or before. */
  failingSince(latestMs: number): Promise<string[]> {
    return this.redis.zrangebyscore(k.failing, '-inf', latestMs, 'LIMIT', 0, 100);
  }

  /** @param sinceMs failing since then at the latest; absent: it said so itself. @returns false when it is not so (any more) */
  async disable({ id, version }: WebhookEndpoint, reason: string, sinceMs?: number): Promise<boolean> {
    const keys = [k.endpoint(id), k.failing, k.closing, k.disabled];
    return (await this.scripts.sluiceDisableEndpoint(...keys, id, version, reason, sinceMs ?? '')) === 1;
  }

  async closing(): Promise<ClosingEndpoint[]> {
    return Object.entries(await this.redis.hgetall(k.closing)).map(([id, text]) => {
      const [reason = '', at] = text.split('@');
      return { id, reason, atMs: at === undefined ? undefined : Number(at) };
    });
  }

  async closed(id: string): Promise<void> {
    await this.redis.hdel(k.closing, id);
  }

  async disabled(): Promise<DisabledEndpoint[]> {
    const found = await this.redis.hgetall(k.disabled);
    return Object.entries(found).map(([id, json]) => ({ ...(JSON.parse(json) as Omit<DisabledEndpoint, 'id'>), id }));
  }

  /** The store knows. */
  async toldOf(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.redis.hdel(k.disabled, ...ids);
  }
}

const keysOf = (id: string, tenant: string): string[] => [k.endpoint(id), k.endpointsOf(tenant), k.failing, k.closing];

/** @param fields status, reason, data; the status may be newer than the data's */
export function endpointOf([status, reason, data]: readonly (string | null)[]): WebhookEndpoint | undefined {
  if (!status || status === 'deleted' || !data) return undefined;
  const endpoint = JSON.parse(data) as WebhookEndpoint;
  if (status === endpoint.status) return endpoint;
  return { ...endpoint, status: 'disabled', disabledReason: (reason ?? null) as WebhookEndpoint['disabledReason'] };
}
