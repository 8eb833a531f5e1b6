import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Simulator } from '../../../apps/simulator/src/create-simulator.js';
import type { RequestRecord } from '../../../apps/simulator/src/request-log.js';
import { entriesThat } from './entries-that.js';
import type { Entry, Hook } from './entry.js';
import { WireTap, type Exchange } from './exchange.js';
import { violationsIn } from './judge.js';
import { entriesOf } from './read-exchange.js';
import { entriesOfProvider } from './read-provider.js';
import { settle } from './settle.js';

/** The Sluice that is watched. */
export interface Watched {
  /** The provider of all its deployments. */
  simulator: Simulator;
  /** Whether this is one of its doors. */
  isOurs: (origin: string) => boolean;
  /** A door that answers. Not asked for when there is nothing to ask. */
  openDoor: () => Promise<string>;
}

/**
 * Writes down what callers, receivers and the provider of a Sluice see, from its making on, and judges it at the end: the
 * history checker of FAULTS.md 1. Stages for fault tests have one each, and check it when they stop.
 */
export class Watch {
  /** Its log is read before it is emptied. */
  readonly simulator: Simulator;
  private readonly log: Entry[] = [];
  private readonly tap: WireTap;
  private readonly lag = monitorEventLoopDelay({ resolution: 10 });
  private readonly allowances: { sentence: RegExp; why: string }[] = [];
  private readonly doors = new Set<string>();
  private readonly emptied: RequestRecord[] = [];
  private isStopped = false;

  constructor(private readonly watched: Watched) {
    const isOurs = (origin: string): boolean => watched.isOurs(origin) || this.doors.has(origin);
    this.tap = new WireTap(isOurs, (exchange) => this.log.push(...this.heard(exchange)));
    const reset = (): void => {
      this.emptied.push(...watched.simulator.requests()); // those that still run go on being written
      watched.simulator.reset();
    };
    this.simulator = { ...watched.simulator, reset };
    this.lag.enable();
  }

  /** Such a violation is what the fault of this test may do. */
  allow(sentence: RegExp, why: string): void {
    this.allowances.push({ sentence, why });
  }

  /** Another way to it: a proxy. */
  alsoAt(origin: string): void {
    this.doors.add(origin);
  }

  /**
   * Sees everything to its end, and judges. After `stop` nothing is judged.
   * @throws with a sentence for each broken promise
   */
  async check(): Promise<void> {
    if (this.isStopped) return;
    await settle(() => this.entries(), this.watched.openDoor);
    const found = violationsIn(this.entries(), this.lag.max / 1e6);
    for (const { sentence, why } of this.allowances) {
      const count = found.filter((one) => sentence.test(one)).length;
      if (count > 0) process.stderr.write(`${count} promises were broken as they may be: ${why}\n`);
    }
    const broken = found.filter((one) => !this.allowances.some(({ sentence }) => sentence.test(one)));
    if (broken.length > 0) throw new Error(`${broken.length} promises were broken:\n${broken.slice(0, 20).join('\n')}`);
  }

  stop(): void {
    this.isStopped = true;
    this.tap.stop();
    this.lag.disable();
  }

  /** Callbacks to others than the simulator come to where nobody listens. */
  private heard(exchange: Exchange): Entry[] {
    const { origin } = this.simulator;
    return entriesOf(exchange).map((entry) =>
      entry.what === 'accepted' && !entry.hook?.url.startsWith(origin) ? { ...entry, hook: undefined } : entry,
    );
  }

  private entries(): Entry[] {
    return [...this.log, ...this.tap.unfinished().flatMap((exchange) => this.heard(exchange)), ...this.providerLog()];
  }

  private providerLog(): Entry[] {
    const { simulator } = this.watched;
    const hooks = new Map<string, Hook>();
    for (const { job, hook } of entriesThat(this.log)('accepted')) if (hook !== undefined) hooks.set(job, hook);
    return entriesOfProvider([...this.emptied, ...simulator.requests()], simulator.origin, hooks);
  }
}
