import type { Redis } from 'ioredis';
import { keysOf } from './group-keys.js';

export interface LineJob {
  group: string;
  jobId: string;
}

/**
 * What is left of a record when its result is written elsewhere: enough that who accepts the same line again, late, meets
 * it. Longer than a process can be frozen between its last look at the batch and the command that it sends.
 */
const TOMBSTONE_MS = 120_000;
const HEAVY = ['request', 'asked', 'job', 'result', 'outcome', 'durable', 'progress'] as const;

/** Records of jobs that are lines of a batch, many at a time: their results are read once and then freed. */
export class LineRecords {
  constructor(private readonly redis: Redis) {}

  /** Bytes of the results. */
  sizes(jobs: readonly LineJob[]): Promise<number[]> {
    return Promise.all(jobs.map(({ group, jobId }) => this.redis.hstrlen(keysOf(group).record(jobId), 'result')));
  }

  /** Undefined members: not there (any more). */
  read(jobs: readonly LineJob[]): Promise<{ result: Buffer | undefined; asked: Buffer | undefined }[]> {
    return Promise.all(
      jobs.map(async ({ group, jobId }) => {
        const [result, asked] = await this.redis.hmgetBuffer(keysOf(group).record(jobId), 'result', 'asked');
        return { result: result ?? undefined, asked: asked ?? undefined };
      }),
    );
  }

  /** Safe to repeat. */
  async free(jobs: readonly LineJob[]): Promise<void> {
    await Promise.all(
      jobs.flatMap(({ group, jobId }) => {
        const record = keysOf(group).record(jobId);
        return [this.redis.hdel(record, ...HEAVY), this.redis.pexpire(record, TOMBSTONE_MS)];
      }),
    );
  }

  /** State and outcome of those that have a record. */
  async look(
    jobs: readonly LineJob[],
  ): Promise<{ state: string | undefined; outcome: string | undefined; durable: string | undefined }[]> {
    return Promise.all(
      jobs.map(async ({ group, jobId }) => {
        const [state, outcome, durable] = await this.redis.hmget(
          keysOf(group).record(jobId),
          'state',
          'outcome',
          'durable',
        );
        return { state: state ?? undefined, outcome: outcome ?? undefined, durable: durable ?? undefined };
      }),
    );
  }
}
