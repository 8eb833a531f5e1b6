import { setTimeout as pause } from 'node:timers/promises';
import { entriesThat } from './entries-that.js';
import type { Accepted, BatchSeen, Caller, Entry } from './entry.js';

const WITHIN_MS = 12_000;
const AT_ONCE = 50;
/** A door may be frozen, and whoever stops a stage is not to wait for it. */
const MOST_FOR_ONE_MS = 3_000;

/**
 * Asks for the end of all that was accepted and is open, reads each result and each file once more, and waits for callbacks. What
 * is answered comes into the log by itself; what does not come in time is the judge's business.
 */
export async function settle(log: () => Entry[], openDoor: () => Promise<string>): Promise<void> {
  const of = entriesThat(log());
  const ended = new Set([...of('ended'), ...of('erased')].map(({ job }) => job));
  const accepted = [...new Map(of('accepted').map((entry) => [entry.job, entry])).values()];
  const jobs = accepted.filter(({ job, isDurable }) => isDurable || !ended.has(job));
  const batches = Map.groupBy(of('batch'), ({ batch }) => batch);
  if (jobs.length === 0 && batches.size === 0) return;
  const door = new Door(await openDoor(), Date.now() + WITHIN_MS);
  await each(jobs, (job) => door.seeToItsEnd(job, ended.has(job.job)));
  for (const [, seen] of batches) await door.readFiles(seen);
  const calling = jobs.filter(({ hook }) => hook !== undefined && !hook.isFiltered);
  if (calling.length > 0) await door.untilCalledBack(calling, log);
}

async function each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await act(item);
    }),
  );
}

class Door {
  constructor(
    private readonly origin: string,
    private readonly untilMs: number,
  ) {}

  async seeToItsEnd({ job, by, isDurable }: Accepted, isKnown: boolean): Promise<void> {
    for (let isOver = isKnown; !isOver && this.hasTime();) {
      const { status, body } = await this.get(`/v1/jobs/${job}?wait=2`, by);
      isOver = status === 404 || /"status":"(completed|failed|cancelled|expired)"/.test(body);
    }
    if (isDurable && this.hasTime()) await this.get(`/v1/jobs/${job}/result`, by);
  }

  async readFiles(seen: readonly BatchSeen[]): Promise<void> {
    const { batch, by } = seen[0]!;
    let view: { status: string; output_file_id?: string; error_file_id?: string } | undefined;
    while (this.hasTime()) {
      const { status, body } = await this.get(`/v1/batches/${batch}`, by);
      view = status === 200 ? JSON.parse(body) : undefined;
      if (view !== undefined && /^(completed|failed|expired|cancelled)$/.test(view.status)) break;
      await pause(50);
    }
    for (const file of [view?.output_file_id, view?.error_file_id]) {
      if (file !== undefined && file !== null) await this.get(`/v1/files/${file}/content`, by);
    }
  }

  async untilCalledBack(jobs: readonly Accepted[], log: () => Entry[]): Promise<void> {
    const areBack = (): boolean => {
      const called = new Set(entriesThat(log())('tried').map(({ job }) => job));
      return jobs.every(({ job }) => called.has(job));
    };
    while (!areBack() && this.hasTime()) await pause(200);
  }

  private hasTime(): boolean {
    return Date.now() < this.untilMs;
  }

  private async get(path: string, headers: Caller): Promise<{ status: number; body: string }> {
    try {
      const signal = AbortSignal.timeout(Math.max(this.untilMs - Date.now(), MOST_FOR_ONE_MS));
      const response = await fetch(`${this.origin}${path}`, { headers, signal });
      return { status: response.status, body: await response.text() };
    } catch {
      await pause(100); // it may be on its way back
      return { status: 0, body: '' };
    }
  }
}
