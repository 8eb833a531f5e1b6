import { isBefore } from '@sluice/core';
import type { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { keysOf } from '../group-keys.js';
import { LedgerLane, type LedgerConsumer } from './ledger-lane.js';
import { LedgerTender } from './tend-ledger.js';

const LOOK_EVERY_MS = 10;

interface Turn {
  running: Promise<void>;
  /** Begins when that one ends: for all who came meanwhile. */
  next: Promise<void> | undefined;
}

/**
 * For who reads what the handler writes, and must find what has just happened: takes part in the reading until what stands
 * in the ledgers is handled, here or by another consumer.
 */
export class LedgerDrain {
  private readonly lanes = new Map<string, LedgerLane>();
  private readonly turns = new Map<string, Turn>();
  private isStopped = false;

  constructor(
    private readonly redis: Redis,
    private readonly me: LedgerConsumer,
  ) {}

  /**
   * Until all that the ledgers hold now is handled. Rejects as `handle` does.
   * @returns false when that took too long: something that has just happened may be missing
   */
  async drain(groups: readonly string[], withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    const done = await Promise.all(groups.map((group) => this.drainOne(group, deadline)));
    return done.every(Boolean);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.allSettled([...this.turns.values()].map(({ running, next }) => next ?? running));
    const tender = new LedgerTender(this.redis);
    await Promise.allSettled([...this.lanes.keys()].map((group) => tender.leave(group, this.me.consumer)));
  }

  private async drainOne(group: string, deadline: number): Promise<boolean> {
    const first = await this.place(group);
    if (first === undefined || first.isDone) return true;
    await this.read(group, deadline);
    while (performance.now() < deadline && !this.isStopped) {
      const place = await this.place(group);
      if (place === undefined || place.isDone) return true;
      if (!isBefore(place.lastDelivered, first.lastAdded) && isBefore(first.lastAdded, place.oldestPending))
        return true;
      await pause(LOOK_EVERY_MS); // another consumer has it in hand
    }
    return false;
  }

  /** A turn that began before us may have passed what we want: wait for the one behind it. */
  private read(group: string, deadline: number): Promise<void> {
    const turn = this.turns.get(group);
    if (turn === undefined) return this.begin(group, deadline);
    turn.next ??= turn.running.catch(() => undefined).then(() => this.begin(group, deadline));
    return turn.next;
  }

  private begin(group: string, deadline: number): Promise<void> {
    let lane = this.lanes.get(group);
    if (lane === undefined) this.lanes.set(group, (lane = new LedgerLane(this.redis, group, this.me)));
    const running = lane.readAll(() => !this.isStopped && performance.now() < deadline);
    const turn: Turn = { running, next: undefined };
    this.turns.set(group, turn);
    const forget = (): void => {
      if (this.turns.get(group) === turn && turn.next === undefined) this.turns.delete(group);
    };
    running.then(forget, forget);
    return running;
  }

  /** Undefined: nothing was ever written there. */
  private async place(
    group: string,
  ): Promise<{ isDone: boolean; lastAdded: string; lastDelivered: string; oldestPending: string } | undefined> {
    const key = keysOf(group).ledger;
    const [stream, groups] = await Promise.all([
      this.redis.xinfo('STREAM', key),
      this.redis.xinfo('GROUPS', key),
    ]).catch((error: Error) => {
      if (/no such key/.test(error.message)) return [undefined, []];
      throw error;
    });
    if (stream === undefined) return undefined;
    const lastAdded = String(valueOf(stream as unknown[], 'last-generated-id'));
    const mine = (groups as unknown[][]).find((row) => valueOf(row, 'name') === this.me.consumerGroup);
    if (mine === undefined) return { isDone: false, lastAdded, lastDelivered: '0-0', oldestPending: '0-0' };
    const lastDelivered = String(valueOf(mine, 'last-delivered-id'));
    if (Number(valueOf(mine, 'pending')) === 0) {
      return { isDone: !isBefore(lastDelivered, lastAdded), lastAdded, lastDelivered, oldestPending: NEVER };
    }
    const [, oldest] = (await this.redis.xpending(key, this.me.consumerGroup)) as [number, string | null];
    return { isDone: false, lastAdded, lastDelivered, oldestPending: oldest ?? NEVER };
  }
}

const NEVER = '18446744073709551615-0';
const valueOf = (row: unknown[], name: string): unknown => row[row.indexOf(name) + 1];
