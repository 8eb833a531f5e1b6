import type { Redis } from 'ioredis';
import { keysOf } from './group-keys.js';
import freeRecords from './scripts/free-records.lua';
import readResults from './scripts/read-results.lua';

export interface LineJob {
  group: string;
  jobId: string;
}

export interface LineResult {
  /** Empty: not there (any more). */
  result: Buffer;
  /** Empty: the body is what was run. */
  asked: Buffer;
}

/** Longer than a process can be frozen between its last look at the batch and the command that it sends. */
const TOMBSTONE_MS = 120_000;
/** Keys of one script call: Lua's own limit is 8,000. */
const AT_ONCE = 500;

type ManyKeys<Result> = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<Result>;

interface Scripts {
  sluiceReadResultsBuffer: ManyKeys<Buffer[]>;
  sluiceFreeRecords: ManyKeys<null>;
}

/** Records of jobs that are lines of a batch, many at a time: their results are read once and then freed. */
export class LineRecords {
  private readonly scripts: Scripts;

  constructor(private readonly redis: Redis) {
    redis.defineCommand('sluiceReadResults', { lua: readResults });
    redis.defineCommand('sluiceFreeRecords', { lua: freeRecords });
    this.scripts = redis as unknown as Scripts;
  }

  /**
   * Of the first of them, as many as fit: at least one.
   * @param jobs of one group
   */
  async read(jobs: readonly LineJob[], mostBytes: number): Promise<LineResult[]> {
    const keys = jobs.slice(0, AT_ONCE).map(({ group, jobId }) => keysOf(group).record(jobId));
    const flat = await this.scripts.sluiceReadResultsBuffer(keys.length, ...keys, mostBytes);
    const found: LineResult[] = [];
    for (let i = 0; i < flat.length; i += 2) found.push({ result: flat[i]!, asked: flat[i + 1]! });
    return found;
  }

  /** Safe to repeat. */
  async free(jobs: readonly LineJob[]): Promise<void> {
    for (const [group, ids] of byGroup(jobs)) {
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const keys = ids.slice(from, from + AT_ONCE).map((jobId) => keysOf(group).record(jobId));
        await this.scripts.sluiceFreeRecords(keys.length, ...keys, TOMBSTONE_MS);
      }
    }
  }

  /** Of those that have no record, all is undefined. */
  async look(
    jobs: readonly LineJob[],
  ): Promise<{ state: string | undefined; outcome: string | undefined; durable: string | undefined }[]> {
    return Promise.all(
      jobs.map(async ({ group, jobId }) => {
        const record = keysOf(group).record(jobId);
        const [state, outcome, durable] = await this.redis.hmget(record, 'state', 'outcome', 'durable');
        return { state: state ?? undefined, outcome: outcome ?? undefined, durable: durable ?? undefined };
      }),
    );
  }
}

function byGroup(jobs: readonly LineJob[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, jobId } of jobs) {
    const ids = groups.get(group);
    if (ids === undefined) groups.set(group, [jobId]);
    else ids.push(jobId);
  }
  return groups;
}
