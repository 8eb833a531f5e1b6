import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { LEDGER_CHANNEL } from '../group-keys.js';
import { LedgerLane, type LedgerConsumer } from './ledger-lane.js';
import { LedgerTender } from './tend-ledger.js';

export interface LedgerReaderOptions extends LedgerConsumer {
  /** Model groups whose ledgers are read, now. */
  groups: () => readonly string[];
  onError: (error: Error) => void;
  /** The ledger grew too long while nobody read it: so many entries are lost. */
  onOverflow: (group: string, entries: number) => void;
}

/** Jobs end in bursts: what comes within so long is read together. */
const GATHER_MS = 25;
/** For lanes that were lately busy or are behind: a message is lost when the connection breaks. */
const LOOK_EVERY_MS = 1_000;
const BUSY_FOR_MS = 30_000;
/** For all others, and to cut off what is done. */
const ROUND_EVERY_MS = 5_000;
const STOPPED_WITHIN_MS = 5_000;

interface Lane {
  reading: LedgerLane;
  isRunning: boolean;
  isRung: boolean;
  busyUntil: number;
}

/**
 * Hands every entry of every ledger to one consumer group, at least once: woken by the channel, with a look each second as
 * the net. Entries are acknowledged when `handle` has resolved; what a dead process had in hand is taken over after 30 s.
 * While `handle` rejects, nothing more is read: the ledger waits in Redis.
 */
export class LedgerReader {
  private readonly lanes = new Map<string, Lane>();
  private readonly tender: LedgerTender;
  private readonly turns = new Set<Promise<void>>();
  private look: NodeJS.Timeout | undefined;
  private round: NodeJS.Timeout | undefined;
  private isRounding = false;
  private isStopped = false;

  /** @param subscriber shared with others: a subscribed connection */
  constructor(
    private readonly redis: Redis,
    private readonly subscriber: Redis,
    private readonly options: LedgerReaderOptions,
  ) {
    this.tender = new LedgerTender(redis);
  }

  async start(): Promise<void> {
    this.subscriber.on('message', this.hear);
    this.subscriber.on('ready', this.goRound); // what was told meanwhile was not heard
    this.look = setInterval(this.lookAtBusyOnes, LOOK_EVERY_MS);
    this.round = setInterval(this.goRound, ROUND_EVERY_MS);
    await this.subscriber.subscribe(LEDGER_CHANNEL);
    this.goRound();
  }

  /** Waits for what is in hand, a while: what is not handled by then comes to others. Safe to repeat. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.subscriber.off('message', this.hear);
    this.subscriber.off('ready', this.goRound);
    clearInterval(this.look);
    clearInterval(this.round);
    const late = new AbortController();
    const tooLate = pause(STOPPED_WITHIN_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.turns), tooLate]);
    late.abort();
    const leaving = [...this.lanes.keys()].map((group) => this.tender.leave(group, this.options.consumer));
    await Promise.all(leaving).catch(() => undefined); // forgotten later, by whoever tends
  }

  private readonly hear = (channel: string, group: string): void => {
    if (channel !== LEDGER_CHANNEL) return;
    const lane = this.lanes.get(group); // one of a group that came just now is made by the next round
    if (lane === undefined) return;
    lane.busyUntil = performance.now() + BUSY_FOR_MS;
    this.ring(group, lane);
  };

  private ring(group: string, lane: Lane): void {
    if (lane.isRung || lane.reading.isBehind) return; // behind: the look each second tries again
    lane.isRung = true;
    if (!lane.isRunning) setTimeout(() => this.run(group, lane), GATHER_MS);
  }

  private readonly lookAtBusyOnes = (): void => {
    for (const [group, lane] of this.lanes) {
      if (lane.reading.isBehind || lane.busyUntil > performance.now()) this.run(group, lane);
    }
  };

  private readonly goRound = (): void => {
    if (this.isRounding) return;
    this.isRounding = true;
    const round = async (): Promise<void> => {
      for (const group of this.options.groups()) {
        if (this.isStopped) return;
        this.run(group, this.laneOf(group));
        const lost = await this.tender.tend(group);
        if (lost > 0) this.options.onOverflow(group, lost);
      }
    };
    this.doInTurn(() => round().finally(() => (this.isRounding = false)));
  };

  private laneOf(group: string): Lane {
    const found = this.lanes.get(group);
    if (found !== undefined) return found;
    const reading = new LedgerLane(this.redis, group, this.options);
    const lane = { reading, isRunning: false, isRung: false, busyUntil: 0 };
    this.lanes.set(group, lane);
    return lane;
  }

  /** One turn of a lane at a time; rung meanwhile, it has another. */
  private run(group: string, lane: Lane): void {
    if (this.isStopped || lane.isRunning) return;
    lane.isRung = false;
    lane.isRunning = true;
    const read = (): Promise<void> => lane.reading.readAll(() => !this.isStopped);
    this.doInTurn(() =>
      read().finally(() => {
        lane.isRunning = false;
        if (lane.isRung) setTimeout(() => this.run(group, lane), GATHER_MS);
      }),
    );
  }

  private doInTurn(work: () => Promise<void>): void {
    const turn: Promise<void> = work()
      .catch((error: unknown) => {
        if (!this.isStopped) this.options.onError(error as Error);
      })
      .finally(() => this.turns.delete(turn));
    this.turns.add(turn);
  }
}
