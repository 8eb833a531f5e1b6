import { readLedgerEntry, type LedgerEntry } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { keysOf } from '../group-keys.js';
import type { Disk } from '../on-disk.js';
import { CONSUMER_GROUPS, type ConsumerGroup } from './consumer-groups.js';

export interface LedgerConsumer {
  consumerGroup: ConsumerGroup;
  /** One per process and start: what it leaves in hand when it dies is taken over by others. */
  consumer: string;
  /** Rejects: the entries stay in hand and come again. Safe to repeat, in any order. */
  handle: (group: string, entries: readonly LedgerEntry[]) => Promise<void>;
  /** Where the entries are to be on disk before they are handled: who is told of them must not be told otherwise later. */
  disk?: Disk | undefined;
}

const AT_ONCE = 500;
/** Longer than a handling takes that succeeds. */
const DEAD_AFTER_MS = 30_000;
const CLAIM_EVERY_MS = 10_000;

type RawEntry = [id: string, fields: string[] | null];

/** One consumer's reading of one model group's ledger. One turn at a time. */
export class LedgerLane {
  private readonly key: string;
  private isMade = false;
  /** A handling failed: what is in hand comes first. */
  private hasLeftovers = false;
  private claimedAt = -Infinity;

  constructor(
    private readonly redis: Redis,
    private readonly group: string,
    private readonly me: LedgerConsumer,
  ) {
    this.key = keysOf(group).ledger;
  }

  /** It has entries in hand that are not acknowledged. */
  get isBehind(): boolean {
    return this.hasLeftovers;
  }

  /** Handles all there is, in batches. @param goesOn asked before each batch */
  async readAll(goesOn: () => boolean): Promise<void> {
    await this.makeConsumerGroups();
    while (this.hasLeftovers && goesOn()) {
      const isAny = await this.take(await this.read('0'));
      this.hasLeftovers = isAny;
    }
    while (goesOn() && (await this.take(await this.read('>'))));
    if (performance.now() - this.claimedAt < CLAIM_EVERY_MS) return;
    this.claimedAt = performance.now();
    while (goesOn() && (await this.take(await this.claim())));
  }

  private async read(from: '0' | '>'): Promise<RawEntry[]> {
    const { consumerGroup, consumer } = this.me;
    const reply = (await this.redis
      .xreadgroup('GROUP', consumerGroup, consumer, 'COUNT', AT_ONCE, 'STREAMS', this.key, from)
      .catch((error: Error) => {
        if (error.message.startsWith('NOGROUP')) this.isMade = false; // a Redis that was emptied: made again next time
        throw error;
      })) as [string, RawEntry[]][] | null;
    return reply?.[0]?.[1] ?? [];
  }

  /** What consumers have in hand that are dead. */
  private async claim(): Promise<RawEntry[]> {
    const { consumerGroup, consumer } = this.me;
    const reply = (await this.redis.xautoclaim(
      this.key,
      consumerGroup,
      consumer,
      DEAD_AFTER_MS,
      '0',
      'COUNT',
      AT_ONCE,
    )) as [string, RawEntry[]];
    return reply[1];
  }

  /** False when there was nothing. */
  private async take(raw: RawEntry[]): Promise<boolean> {
    if (raw.length === 0) return false;
    const entries = raw.flatMap(([id, fields]) => readLedgerEntry(id, fields) ?? []);
    try {
      if (entries.length > 0) {
        await this.areOnDisk(raw);
        await this.me.handle(this.group, entries);
      }
      await this.redis.xack(this.key, this.me.consumerGroup, ...raw.map(([id]) => id));
      return true;
    } catch (error) {
      this.hasLeftovers = true;
      throw error;
    }
  }

  /** The last of them is enough: what a file loses is its end. */
  private async areOnDisk(raw: readonly RawEntry[]): Promise<void> {
    const [last] = raw.findLast(([, fields]) => fields !== null)!;
    await this.me.disk?.holds(this.group, ['XRANGE', this.key, last, last], (found) => (found as unknown[]).length > 0);
  }

  /** From the first entry on, whoever comes first. */
  private async makeConsumerGroups(): Promise<void> {
    if (this.isMade) return;
    await Promise.all(
      CONSUMER_GROUPS.map((name) =>
        this.redis.xgroup('CREATE', this.key, name, '0', 'MKSTREAM').catch((error: Error) => {
          if (!error.message.startsWith('BUSYGROUP')) throw error; // it is there
        }),
      ),
    );
    this.isMade = true;
  }
}
