import type { BatchEnding } from '@sluice/core';
import type { DurableJob, Outcome } from '@sluice/wire';
import type { BatchDeps } from './batch-deps.js';
import { recordLines, type OverLine } from './record-lines.js';

export interface OpenLine {
  group: string;
  jobId: string;
}

/** Lines of a batch that its driver made jobs of, by their numbers, until they are seen to be done. */
export class OpenLines {
  private readonly jobs = new Map<number, OpenLine>();

  constructor(
    private readonly batchId: string,
    private readonly deps: BatchDeps,
  ) {}

  get size(): number {
    return this.jobs.size;
  }

  has(line: number): boolean {
    return this.jobs.has(line);
  }

  add(line: number, job: OpenLine): void {
    this.jobs.set(line, job);
  }

  /** Their results are written, and were when the cursor had not passed them. */
  async free(lines: readonly number[]): Promise<void> {
    const jobs = lines.flatMap((line) => this.jobs.get(line) ?? []);
    for (const line of lines) this.jobs.delete(line);
    await this.deps.lines.free(jobs);
  }

  async forgetDone(): Promise<void> {
    const lines = [...this.jobs.keys()];
    if (lines.length === 0) return;
    const done = await this.deps.results.doneBetween(this.batchId, Math.min(...lines), Math.max(...lines));
    for (const line of done) this.jobs.delete(line);
  }

  async cancel(ending: BatchEnding): Promise<void> {
    await this.forgetDone();
    const outcome: Outcome = {
      state: 'cancelled',
      error: {
        code: 'job_cancelled',
        message: `Its batch was ${ending === 'cancelled' ? 'cancelled' : 'not done in time'}.`,
      },
    };
    const text = JSON.stringify(outcome);
    await Promise.all([...this.jobs.values()].map(({ group, jobId }) => this.deps.records.cancel(group, jobId, text)));
  }

  /**
   * Nothing ended for long. A job that is over and was not heard of is written.
   * @throws when one has no record: the batch is driven anew, and makes it again
   */
  async lookAtRecords(): Promise<void> {
    const open = [...this.jobs];
    const looks = await this.deps.lines.look(open.map(([, job]) => job));
    await this.forgetDone(); // after the look: what is done by now may have no record for a good reason
    const over: OverLine[] = [];
    let gone = 0;
    open.forEach(([line, job], i) => {
      const { state, outcome, durable } = looks[i]!;
      if (!this.jobs.has(line)) return;
      if (outcome !== undefined && durable !== undefined)
        over.push({
          ...job,
          durable: JSON.parse(durable) as DurableJob as OverLine['durable'],
          outcome: JSON.parse(outcome) as Outcome,
        });
      else if (state === undefined) gone++;
    });
    for (const group of new Set(over.map((line) => line.group)))
      await recordLines(
        over.filter((line) => line.group === group),
        this.deps,
      );
    if (gone > 0) throw new Error(`${gone} jobs of ${this.batchId} have no record: its lines are fed again`);
  }
}
