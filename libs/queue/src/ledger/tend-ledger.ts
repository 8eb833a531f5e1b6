import { ledgerBound, type ConsumerGroupPlace } from '@sluice/core';
import type { Redis } from 'ioredis';
import { defineScript, type Script } from '../define-script.js';
import { keysOf } from '../group-keys.js';
import forgetConsumers from '../scripts/forget-consumers.lua';

/** Some 700 bytes each. When readers have been away for so long, the oldest are given up: a full Redis would refuse calls. */
const MOST_ENTRIES = 1_000_000;
/** A process that has read nothing for so long is gone. */
const GONE_AFTER_MS = 3_600_000;

/** Cuts off what every consumer group has acknowledged, and forgets consumers that are gone. Safe to repeat, by everybody. */
export class LedgerTender {
  private readonly forget: Script<number>;

  constructor(private readonly redis: Redis) {
    this.forget = defineScript(redis, 'sluiceForgetConsumers', 1, forgetConsumers);
  }

  /** @returns entries that were given up unread, since there were too many */
  async tend(group: string): Promise<number> {
    const key = keysOf(group).ledger;
    if ((await this.redis.xlen(key)) === 0) return 0;
    await this.forget(key, GONE_AFTER_MS, '');
    const bound = ledgerBound(await this.places(key));
    if (bound !== undefined) await this.redis.xtrim(key, 'MINID', bound);
    return this.redis.xtrim(key, 'MAXLEN', '~', MOST_ENTRIES);
  }

  /** At a clean end; what it has in hand, if anything, is left to others. */
  async leave(group: string, consumer: string): Promise<void> {
    await this.forget(keysOf(group).ledger, 0, consumer);
  }

  private async places(key: string): Promise<ConsumerGroupPlace[]> {
    const groups = (await this.redis.xinfo('GROUPS', key)) as unknown[][];
    return Promise.all(
      groups.map(async (row) => {
        const of = (name: string): unknown => row[row.indexOf(name) + 1];
        const lastDelivered = String(of('last-delivered-id'));
        if (Number(of('pending')) === 0) return { lastDelivered };
        const [, oldest] = (await this.redis.xpending(key, String(of('name')))) as [number, string | null];
        return oldest === null ? { lastDelivered } : { lastDelivered, oldestPending: oldest };
      }),
    );
  }
}
