import { LimitWindows } from './limit-windows.js';
import { type CountedRule, counted } from './script/choose-fault.js';
import { HASH_START, hashText, seededDice } from './script/draw.js';
import type { Script } from './script/script.js';

/** What one provider has done so far: `/@NAME`, or the one without a name. Profiles share nothing that counts. */
export class Profile {
  rules: CountedRule[] = [];
  limits: LimitWindows;
  /** Apart, so that a rule with a probability does not change which latencies are drawn. */
  latencyDice: () => number = Math.random;
  faultDice: () => number = Math.random;
  stats = new CallStats();

  constructor(
    readonly name: string | null,
    public script: Script,
  ) {
    this.limits = new LimitWindows(script.limits);
    this.rules = script.rules.map(counted);
    this.seedDice();
  }

  /** Rules and limits that stay the same keep their counts, so that a PATCH elsewhere does not start them over. */
  use(script: Script): void {
    const before = this.script;
    this.script = script;
    if (!same(before.limits, script.limits)) this.limits = new LimitWindows(script.limits);
    if (before.seed !== script.seed) this.seedDice();
    const old = [...this.rules];
    this.rules = script.rules.map((rule) => {
      const kept = old.findIndex((entry) => same(entry.rule, rule));
      return kept === -1 ? counted(rule) : old.splice(kept, 1)[0]!;
    });
  }

  reset(): void {
    this.rules = this.script.rules.map(counted);
    this.limits = new LimitWindows(this.script.limits);
    this.seedDice();
    this.stats.reset();
  }

  private seedDice(): void {
    const seed = hashText(HASH_START ^ this.script.seed, this.name ?? '');
    this.latencyDice = seededDice(seed);
    this.faultDice = seededDice(seed ^ 0x5bd1e995);
  }
}

/** Checked scripts are plain data whose members stand in a fixed order. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** GET /_sim/stats. */
export interface Stats {
  inFlight: number;
  maxInFlight: number;
  total: number;
  /** Answers by HTTP status; a call that was reset before its headers is in none. */
  byStatus: Record<string, number>;
  clientClosed: number;
}

export class CallStats {
  inFlight = 0;
  private maxInFlight = 0;
  private total = 0;
  private clientClosed = 0;
  private byStatus: Record<string, number> = {};

  begin(): void {
    this.total += 1;
    this.inFlight += 1;
    if (this.inFlight > this.maxInFlight) this.maxInFlight = this.inFlight;
  }

  answered(status: number): void {
    this.byStatus[status] = (this.byStatus[status] ?? 0) + 1;
  }

  end(byClient: boolean): void {
    this.inFlight -= 1;
    if (byClient) this.clientClosed += 1;
  }

  reset(): void {
    this.maxInFlight = this.inFlight;
    this.total = 0;
    this.clientClosed = 0;
    this.byStatus = {};
  }

  snapshot(): Stats {
    const { inFlight, maxInFlight, total, clientClosed } = this;
    return { inFlight, maxInFlight, total, byStatus: { ...this.byStatus }, clientClosed };
  }
}
