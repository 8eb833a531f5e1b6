const KEPT = 200;
const KNOWN_FROM = 20;
const LOOK_AGAIN_AFTER = 10;

interface Times {
  ms: number[];
  next: number;
  p95: number | undefined;
  sinceLook: number;
}

/** The last times to first content of each deployment, in this process: enough to know what is unusually slow. */
export class RecentTimes {
  private readonly byKey = new Map<string, Times>();

  note(key: string, ms: number): void {
    let times = this.byKey.get(key);
    if (times === undefined) this.byKey.set(key, (times = { ms: [], next: 0, p95: undefined, sinceLook: 0 }));
    times.ms[times.next] = ms;
    times.next = (times.next + 1) % KEPT;
    times.sinceLook++;
  }

  /** Undefined before the twentieth; then at most nine times old. */
  p95(key: string): number | undefined {
    const times = this.byKey.get(key);
    if (times === undefined || times.ms.length < KNOWN_FROM) return undefined;
    if (times.p95 === undefined || times.sinceLook >= LOOK_AGAIN_AFTER) {
      const sorted = Float64Array.from(times.ms).sort();
      times.p95 = sorted[Math.ceil(0.95 * sorted.length) - 1]!;
      times.sinceLook = 0;
    }
    return times.p95;
  }
}
