import { keysOf } from './group-keys.js';

/**
 * Tells when what Redis says of a group is on its disk: for `durability: strict` where it syncs behind its answers. Absent:
 * nothing is waited for.
 */
export interface Disk {
  /**
   * @param look a command that reads keys of the group
   * @param holds whether what it found is what was seen before
   * @throws when that is not confirmed in time, or is not there any more
   */
  holds: (
    group: string,
    look: readonly [command: string, ...rest: string[]],
    holds: (reply: unknown) => boolean,
  ) => Promise<void>;
}

/** Jobs that are looked at again and again are waited for once. */
const MOST_KNOWN = 10_000;

/** Waits until what is told of jobs is on disk. An end that is told stays what it is, and so does its being on disk. */
export class JobsOnDisk {
  private readonly over = new Set<string>();

  constructor(private readonly disk: Disk | undefined) {}

  /** A job that was taken in just now. */
  async accepted(group: string, jobId: string): Promise<void> {
    await this.disk?.holds(group, ['HGET', keysOf(group).record(jobId), 'state'], (state) => state !== null);
  }

  /** @param outcome as its record has it; undefined: it is not over, and may be told so at any time */
  async ended(group: string, jobId: string, outcome: string | undefined): Promise<void> {
    if (this.disk === undefined || outcome === undefined || this.over.has(jobId)) return;
    await this.disk.holds(group, ['HGET', keysOf(group).record(jobId), 'outcome'], (found) => found === outcome);
    this.over.add(jobId);
    if (this.over.size > MOST_KNOWN) this.over.delete(this.over.values().next().value!);
  }

  async erased(group: string, jobId: string): Promise<void> {
    await this.disk?.holds(group, ['EXISTS', keysOf(group).record(jobId)], (found) => found === 0);
  }

  async dismissed(group: string, jobId: string): Promise<void> {
    await this.disk?.holds(group, ['HGET', keysOf(group).record(jobId), 'dismissed'], (found) => found !== null);
  }
}
